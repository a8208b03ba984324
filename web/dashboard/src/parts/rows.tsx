/** A table of any length: only the rows in sight are there, and whoever reads further down is not moved by news. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useRef } from "react";
import { classes } from "./classes.js";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Where it stands and when it is left out. */
  readonly className?: string;
}

const ROW = 48;

/** `columns` of the grid are given as a class, so that narrow screens have fewer. */
export function Rows<Row>(props: {
  label: string;
  rows: readonly Row[];
  idOf: (row: Row) => string | number;
  columns: readonly Column<Row>[];
  grid: string;
  height: string;
  empty: ReactNode;
}) {
  const { rows, idOf, columns } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
  });
  useStillness(scroller, rows, idOf);
  const grid = classes("grid items-center gap-x-4 px-4 sm:px-5", props.grid);

  return (
    <div role="table" aria-label={props.label} aria-rowcount={rows.length + 1} className="flex min-h-0 grow flex-col">
      <div
        role="row"
        aria-rowindex={1}
        className={classes(grid, "h-9 border-line border-y bg-sunken text-quiet text-xs")}
      >
        {columns.map(({ head, className }) => (
          <div key={head} role="columnheader" className={classes("truncate", className)}>
            {head}
          </div>
        ))}
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        tabIndex={0}
        aria-label={`${props.label}, rows`}
        className={classes(
          "relative flex flex-col overflow-y-auto overflow-x-hidden focus-visible:-outline-offset-2",
          props.height,
        )}
      >
        {rows.length === 0 && (
          <div role="row" className="flex grow">
            <div role="cell" className="flex grow">
              {props.empty}
            </div>
          </div>
        )}
        <div role="presentation" className="relative w-full shrink-0" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            return (
              row && (
                <div
                  key={idOf(row)}
                  role="row"
                  aria-rowindex={index + 2}
                  className={classes(grid, "absolute inset-x-0 top-0 h-12 border-line border-b hover:bg-sunken")}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  {columns.map(({ head, cell, className }) => (
                    <div key={head} role="cell" className={classes("min-w-0 truncate", className)}>
                      {cell(row)}
                    </div>
                  ))}
                </div>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Keeps the row that is on top where it is, when others come above it. At the very top news is what one came for. */
function useStillness<Row>(
  scroller: { readonly current: HTMLDivElement | null },
  rows: readonly Row[],
  idOf: (row: Row) => string | number,
): void {
  const before = useRef<{ rows: readonly Row[] }>({ rows });
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the rows change
  useLayoutEffect(() => {
    const at = scroller.current;
    const old = before.current.rows;
    before.current = { rows };
    if (!at || old === rows || at.scrollTop < ROW) return;
    const index = Math.floor(at.scrollTop / ROW);
    const top = old[index];
    if (top === undefined) return;
    const id = idOf(top);
    const now = rows.findIndex((row) => idOf(row) === id);
    if (now > index) at.scrollTop += (now - index) * ROW;
  }, [rows]);
}
