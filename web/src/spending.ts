// What the calls of a function did to memory: before it, at most, and what stayed.
import { before, Call, Func, Points, Run } from "./figure";

export interface Spent { entry: number; peak: number; kept: number; calls: number; seconds: number }

/** Calls that are in none of the others of the function: a recursion is one. */
function outermost(calls: Call[]): Call[] {
  const ends = new Map<string, number>(), found: Call[] = [];
  for (const call of [...calls].sort((a, b) => a[0] - b[0] || b[2] - a[2])) {
    const thread = `${call[6]}/${call[7]}`;
    if (call[2] <= (ends.get(thread) ?? -1)) continue;
    ends.set(thread, call[2]);
    found.push(call);
  }
  return found;
}

/** The highest that is known within a call: of its process, where that has a curve of its own. */
export function peakOf(run: Run, call: Call): number {
  const child = call[6] ? run.children.find(({ pid }) => pid === call[6]) : undefined;
  const within = ({ t, m }: Points): number => {
    let top = 0;
    for (let i = before(t, call[0]) + 1; i < t.length && t[i] <= call[2]; i++) top = Math.max(top, m[i] ?? 0);
    return top;
  };
  const seen = child ? within(child.curve) : call[6] && run.tree ? 0 : Math.max(within(run.curve), run.bounds ? 0 : within(run.marks));
  return Math.max(call[1], call[5] ? 0 : call[3], seen);
}

export function spentIn(run: Run, func: Func): Spent {
  const calls = outermost(func.calls);
  return {
    entry: Math.min(...calls.map((call) => call[1])), peak: Math.max(...calls.slice(0, 2000).map((call) => peakOf(run, call))),
    kept: calls.reduce((sum, call) => sum + (call[5] ? 0 : call[3] - call[1]), 0),
    calls: func.calls.length, seconds: func.calls.reduce((sum, call) => sum + call[2] - call[0], 0),
  };
}
