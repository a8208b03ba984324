/** A panel over the page, for one thing at a time. */

import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./basics.js";
import { classes } from "./classes.js";

export function Sheet(props: {
  title: string;
  description?: string | undefined;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** At the left edge, as a menu; else at the right. */
  isMenu?: boolean;
}) {
  return (
    <Dialog.Root open={props.isOpen} onOpenChange={(open) => open || props.onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-veil transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup
          className={classes(
            "fixed inset-y-0 z-50 flex w-full flex-col overflow-y-auto border-line bg-card shadow-float outline-none transition-transform duration-200 motion-reduce:transition-none",
            props.isMenu
              ? "left-0 max-w-72 border-r data-ending-style:-translate-x-full data-starting-style:-translate-x-full"
              : "right-0 max-w-lg border-l data-ending-style:translate-x-full data-starting-style:translate-x-full",
          )}
        >
          <div className="flex items-start justify-between gap-4 px-5 pt-5 pb-4">
            <div className="min-w-0">
              <Dialog.Title dir="auto" className="line-clamp-4 font-semibold text-lg" title={props.title}>
                {props.title}
              </Dialog.Title>
              {props.description && (
                <Dialog.Description className="break-all text-quiet text-xs">{props.description}</Dialog.Description>
              )}
            </div>
            <Dialog.Close render={<Button variant="quiet" icon={X} aria-label="Close" />} />
          </div>
          <div className="flex grow flex-col gap-5 px-5 pb-6">{props.children}</div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
