/** The small parts that every screen is made of. */

import type { LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes.js";

export type Tone = "good" | "wait" | "bad" | "mark" | "quiet";

export const TONES: Readonly<Record<Tone, string>> = {
  good: "text-good",
  wait: "text-wait",
  bad: "text-bad",
  mark: "text-mark",
  quiet: "text-quiet",
};

/** A surface that holds what belongs together. */
export function Card(props: {
  title?: ReactNode;
  aside?: ReactNode;
  className?: string;
  isFlush?: boolean;
  children: ReactNode;
}) {
  const { title, aside, className, isFlush, children } = props;
  return (
    <section
      className={classes("flex min-w-0 flex-col rounded-card border border-line bg-card shadow-card", className)}
    >
      {title !== undefined && (
        <header className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 py-2.5 sm:px-5">
          <h2 className="font-semibold">{title}</h2>
          {aside}
        </header>
      )}
      <div
        className={classes(
          "flex min-h-0 grow flex-col",
          !isFlush && "px-4 pb-4 sm:px-5",
          !isFlush && title === undefined && "pt-4",
        )}
      >
        {children}
      </div>
    </section>
  );
}

/** A number that matters. */
export function Figure(props: { label: string; value: string; note?: string; tone?: Tone | undefined }) {
  return (
    <div className="min-w-0 rounded-card border border-line bg-card px-4 py-3.5 shadow-card sm:px-5">
      <dt className="truncate text-quiet text-xs">{props.label}</dt>
      <dd
        className={classes(
          "figures mt-1 truncate font-semibold text-2xl tracking-tight",
          props.tone && TONES[props.tone],
        )}
      >
        {props.value}
      </dd>
      <dd className="figures mt-0.5 min-h-4 truncate text-quiet text-xs">{props.note}</dd>
    </div>
  );
}

export function Badge({ tone, children, isLive }: { tone: Tone; children: ReactNode; isLive?: boolean }) {
  return (
    <span
      className={classes(
        "tint inline-flex h-6 items-center gap-1.5 rounded-full px-2.5 font-medium text-xs",
        TONES[tone],
      )}
    >
      <span
        aria-hidden="true"
        className={classes("size-1.5 rounded-full bg-current", isLive && "motion-safe:animate-pulse")}
      />
      <span className="truncate">{children}</span>
    </span>
  );
}

const VARIANTS = {
  primary: "bg-mark text-on-mark hover:opacity-90",
  plain: "border border-line bg-raised text-ink hover:border-edge",
  quiet: "text-quiet hover:bg-sunken hover:text-ink",
  danger: "border border-line bg-raised text-bad hover:border-current",
};

export function Button(
  props: ComponentProps<"button"> & { variant?: keyof typeof VARIANTS; icon?: LucideIcon; isSmall?: boolean },
) {
  const { variant = "plain", icon: Icon, isSmall, className, children, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      className={classes(
        "inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium transition-colors disabled:opacity-50",
        isSmall ? "h-8 px-2.5 text-xs" : "h-9 px-3.5 text-sm",
        !children && "aspect-square px-0",
        VARIANTS[variant],
        className,
      )}
    >
      {Icon && <Icon aria-hidden="true" className="size-4 shrink-0" />}
      {children}
    </button>
  );
}

const FIELD =
  "h-9 w-full min-w-0 rounded-lg border border-edge bg-raised px-3 text-ink placeholder:text-quiet disabled:opacity-60";

export const TextField = ({ className, ...rest }: ComponentProps<"input">) => (
  <input type="text" autoComplete="off" spellCheck={false} {...rest} className={classes(FIELD, className)} />
);

export const SelectField = ({ className, ...rest }: ComponentProps<"select">) => (
  <select {...rest} className={classes(FIELD, "pr-8", className)} />
);

/** A field with its name above it, and what is wrong with it below. */
export function Labelled(props: { label: string; hint?: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is its child */}
      <label className="flex min-w-0 flex-col gap-1.5">
        <span className="font-medium text-xs">{props.label}</span>
        {props.children}
      </label>
      {props.hint && <p className="text-quiet text-xs">{props.hint}</p>}
    </div>
  );
}

/** One of a few that may be on or off. */
export function Chip(props: { isOn: boolean; onToggle: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-pressed={props.isOn}
      onClick={props.onToggle}
      className={classes(
        "inline-flex h-8 items-center gap-2 whitespace-nowrap rounded-full border px-3 font-medium text-xs transition-colors",
        props.isOn ? "border-mark text-mark" : "border-line text-quiet hover:border-edge",
      )}
    >
      {props.children}
    </button>
  );
}

/** How far something is; without a share it only says that it goes on. */
export function Meter({ share, label, tone = "mark" }: { share: number | null; label: string; tone?: Tone }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share !== null && { "aria-valuenow": Math.round(share * 100) })}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      <div
        className={classes(
          "h-full origin-left rounded-full bg-current transition-transform duration-300",
          TONES[tone],
          share === null && "opacity-50 motion-safe:animate-pulse",
        )}
        style={{ transform: `scaleX(${share ?? 1})` }}
      />
    </div>
  );
}

/** There is nothing to show, and what would change that. */
export function Empty({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <div className="m-auto flex max-w-sm flex-col items-center gap-2 px-4 py-10 text-center">
      <span className="mb-1 grid size-11 place-content-center rounded-full bg-sunken text-quiet">
        <Icon aria-hidden="true" className="size-5" />
      </span>
      <p className="font-medium">{title}</p>
      {children && <p className="text-pretty text-quiet">{children}</p>}
    </div>
  );
}

/** Something went wrong: what, and what to do. */
export function Trouble({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div role="alert" className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg border border-bad/40 px-4 py-3">
      <div className="min-w-0 grow">
        <p className="font-medium text-bad">{title}</p>
        {children && <p className="break-words text-quiet">{children}</p>}
      </div>
      {action}
    </div>
  );
}

/** Facts in two columns. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-6 gap-y-2">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-quiet">{name}</dt>
          <dd className="figures min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
