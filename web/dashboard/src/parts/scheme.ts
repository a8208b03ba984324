/** Light or dark: as the system has it, or as it was chosen here. */

import { useSyncExternalStore } from "react";

export const CHOICES = ["system", "light", "dark"] as const;
export type Choice = (typeof CHOICES)[number];

const STORED = "pulse-radar:scheme";
const listeners = new Set<() => void>();
const system = matchMedia("(prefers-color-scheme: dark)");
let choice: Choice = "system";

export function choose(next: Choice): void {
  choice = next;
  if (next === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Where nothing may be stored it lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

/** As it was chosen before. */
export function restore(): void {
  try {
    const stored = localStorage.getItem(STORED) as Choice | null;
    if (stored && CHOICES.includes(stored)) choose(stored);
  } catch {
    // Nothing may be stored here.
  }
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  system.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
  };
}

export const useChoice = (): Choice => useSyncExternalStore(subscribe, () => choice);

export const useScheme = (): "light" | "dark" =>
  useSyncExternalStore(subscribe, () => (choice === "system" ? (system.matches ? "dark" : "light") : choice));
