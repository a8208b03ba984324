/** Lines over time. */

import { useEffect, useRef } from "react";
import UPlot from "uplot";
import { useScheme } from "./scheme.js";

export interface Line {
  readonly label: string;
  /** The CSS variable of its colour. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

const HEIGHT = 208;

/** `seconds`: since 1970, one for each value. `label` says in words what is to be seen. */
export function Chart(props: {
  label: string;
  seconds: readonly number[];
  lines: readonly Line[];
  format: (value: number) => string;
  /** The axis reaches at least so far. */
  least?: number;
  /** Days are told apart, rather than seconds. */
  isDays?: boolean;
}) {
  const { label, seconds, lines, format, least = 1, isDays = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const scheme = useScheme();
  const shape = lines.map((line) => `${line.label} ${line.colour}`).join();
  const latest = useRef({ seconds, lines, format });
  latest.current = { seconds, lines, format };

  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew with other lines or colours, and only then
  useEffect(() => {
    const at = place.current;
    if (!at) return;
    const colour = (name: string) => resolved(at, `var(${name})`);
    const axis = { stroke: colour("--color-quiet"), font: "11px Inter, system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: colour("--color-line"), width: 1 };
    const made = new UPlot(
      {
        width: at.clientWidth,
        height: HEIGHT,
        padding: [12, 24, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 28,
            space: 80,
            values: (_plot, splits) => splits.map(isDays ? daysOf(splits) : clock),
          },
          {
            ...axis,
            grid,
            size: 56,
            space: 40,
            gap: 8,
            values: (_plot, splits) => splits.map((value) => latest.current.format(value)),
          },
        ],
        series: [
          {},
          ...latest.current.lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: 1.75,
            points: { show: false },
          })),
        ],
      },
      dataOf(latest.current),
      at,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: HEIGHT }));
    watch.observe(at);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [shape, scheme, least]);

  useEffect(() => {
    plot.current?.setData(dataOf({ seconds, lines }));
  }, [seconds, lines]);

  return (
    <figure className="min-w-0">
      <div ref={place} role="img" aria-label={label} className="h-52 min-w-0 overflow-hidden" />
      <figcaption className="figures mt-2 flex flex-wrap gap-x-4 gap-y-1 text-quiet text-xs">
        {lines.map((line) => (
          <span key={line.label} className="inline-flex items-center gap-1.5">
            <span
              aria-hidden="true"
              className="h-0.5 w-3 rounded-full"
              style={{ backgroundColor: `var(${line.colour})` }}
            />
            {line.label}
            {!isDays && <span className="min-w-8 text-ink">{format(line.values.at(-1) ?? 0)}</span>}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

const dataOf = ({ seconds, lines }: { seconds: readonly number[]; lines: readonly Line[] }): UPlot.AlignedData => [
  [...seconds],
  ...lines.map(({ values }) => [...values]),
];

const clock = (second: number): string =>
  new Date(second * 1_000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const day = (second: number): string =>
  new Date(second * 1_000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });

const DAY_SECONDS = 86_400;

/** Days, and their hours where several ticks are of one day. */
function daysOf([first = 0, second = Number.POSITIVE_INFINITY]: readonly number[]): (second: number) => string {
  return second - first < DAY_SECONDS ? (at) => `${day(at)} ${clock(at).slice(0, 5)}` : day;
}

/** A canvas knows no variables. */
function resolved(at: HTMLElement, colour: string): string {
  at.style.color = colour;
  const { color } = getComputedStyle(at);
  at.style.color = "";
  return color;
}

/** A line as tall as a word. */
export function Sparkline({ values, colour }: { values: readonly number[]; colour: string }) {
  const most = Math.max(1, ...values);
  const step = 100 / Math.max(1, values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(19 - (18 * value) / most).toFixed(1)}`);
  return (
    <svg aria-hidden="true" viewBox="0 0 100 20" preserveAspectRatio="none" className="h-5 w-full">
      <polyline
        points={points.join(" ")}
        fill="none"
        style={{ stroke: `var(${colour})` }}
        strokeWidth="1.5"
        vectorEffect="non-scaling-stroke"
        strokeLinejoin="round"
      />
    </svg>
  );
}
