/** A clock that goes only when it is told to. */

interface Timer {
  readonly due: number;
  readonly act: () => void;
}

/** Time for tests, in milliseconds: hand {@link FakeClock.world} to `createClient`. */
export class FakeClock {
  /** Now. */
  now = 0;
  /** What chance says: in [0, 1). */
  chance = 0.5;
  private count = 0;
  private readonly timers = new Map<number, Timer>();

  /** The pieces of a browser that tell the time, keep it and throw dice. */
  readonly world = {
    performance: { now: () => this.now },
    Date: { now: () => this.now },
    Math: { random: () => this.chance },
    setTimeout: (act: () => void, milliseconds: number): unknown => {
      this.timers.set(++this.count, { due: this.now + milliseconds, act });
      return this.count;
    },
    clearTimeout: (timer: unknown): void => {
      this.timers.delete(timer as number);
    },
    requestAnimationFrame: (act: () => void): unknown => this.world.setTimeout(act, 16),
  };

  /** Let time pass: whatever falls due happens in order, and so does what follows from it. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    await settled();
    for (let next = this.next(end); next; next = this.next(end)) {
      const [id, { due, act }] = next;
      this.timers.delete(id);
      this.now = Math.max(this.now, due);
      act();
      await settled();
    }
    this.now = end;
  }

  private next(end: number): [number, Timer] | undefined {
    const due = [...this.timers].filter(([, timer]) => timer.due <= end);
    return due.sort(([a, one], [b, other]) => one.due - other.due || a - b)[0];
  }
}

/** When everything that needs no time has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
