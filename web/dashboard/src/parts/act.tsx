/** A button that asks the server for something, and says so where it is refused. */

import { useMutation } from "@tanstack/react-query";
import type { LucideIcon } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { ask } from "../api/ask.js";
import { Button } from "./basics.js";

type Look = Pick<ComponentProps<typeof Button>, "variant" | "isSmall" | "disabled" | "title">;

export function ActButton(
  props: Look & {
    label: string;
    icon: LucideIcon;
    path: string;
    method?: "POST" | "DELETE";
    /** Asked again before it is done. */
    isGrave?: boolean;
    onDone?: () => void;
    onRefused: (why: string | null) => void;
  },
) {
  const { label, icon, path, method = "POST", isGrave, onDone, onRefused, disabled, ...look } = props;
  const [isAsked, confirm] = useState(false);
  const deed = useMutation({
    mutationFn: () => ask(method, path),
    onMutate: () => onRefused(null),
    onSuccess: () => onDone?.(),
    onError: (error) => onRefused(error.message),
    onSettled: () => confirm(false),
  });
  return (
    <Button
      {...look}
      icon={icon}
      disabled={disabled || deed.isPending}
      onClick={() => (isGrave && !isAsked ? confirm(true) : deed.mutate())}
      onBlur={() => confirm(false)}
    >
      {isAsked ? "Really?" : label}
    </Button>
  );
}
