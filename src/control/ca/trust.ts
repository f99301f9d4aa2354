import type { Authority } from "./authority.ts";

/** A root that signs no more, and is trusted until the last leaf under it has ended. */
export interface RetiredRoot {
  /** PEM. */
  readonly root: string;
  readonly untilMs: number;
  /** Its newest list of revoked certificates, PEM; `""` for none. */
  readonly revocations: string;
}

/** Who signs now, who will, and whom all must trust. */
export interface Trust {
  readonly signing: Authority;
  /** An authority whose root is handed out already, and when it begins to sign. */
  readonly next: { readonly authority: Authority; readonly fromMs: number } | undefined;
  readonly retired: readonly RetiredRoot[];
}

/** What is decided with. */
export interface TrustTimes {
  readonly nowMs: number;
  /** How long a new root is handed out before it signs, ms: every proxy must have it by then. */
  readonly overlapMs: number;
  /** When the last leaf ends that was signed so far, ms since 1970. */
  readonly issuedUntilMs: number;
  /** The newest list of what an authority revoked, PEM; `""` for none. */
  readonly revocationsOf: (authority: Authority) => string;
}

/** The root that an authority's chain ends in. */
export function rootOf(authority: Authority): string {
  return authority.roots.at(-1)!;
}

/** PEM of every root to trust now, each once, the signing one last. */
export function trustedRoots({ signing, next, retired }: Trust): readonly string[] {
  const own = rootOf(signing);
  const all = [...retired.map(({ root }) => root), ...(next?.authority.roots ?? []), ...signing.roots];
  return [...new Set(all)].filter((root) => root !== own).concat(own);
}

/**
 * Takes an authority that was loaded. One whose root is trusted already signs at once (its files were changed in the right order, or
 * it is another intermediate below the same root); of any other the root is handed out first, and it signs after the overlap.
 */
export function takeAuthority(trust: Trust | undefined, loaded: Authority, times: TrustTimes): Trust {
  if (trust === undefined) return { signing: loaded, next: undefined, retired: [] };
  const wasNext = trust.next !== undefined && rootOf(trust.next.authority) === rootOf(loaded);
  if (wasNext) return { ...trust, next: { authority: loaded, fromMs: trust.next.fromMs } };
  const known =
    trust.signing.roots.includes(rootOf(loaded)) || trust.retired.some(({ root }) => root === rootOf(loaded));
  if (known) return switchTo(trust, loaded, times);
  return { ...trust, next: { authority: loaded, fromMs: times.nowMs + times.overlapMs } };
}

/** What time alone changes: the next authority's turn, and the end of retired roots. The same object where nothing does. */
export function stepTrust(trust: Trust, times: TrustTimes): Trust {
  const { next } = trust;
  const turned = next !== undefined && next.fromMs <= times.nowMs ? switchTo(trust, next.authority, times) : trust;
  const retired = turned.retired.filter(({ untilMs }) => untilMs > times.nowMs);
  return retired.length === turned.retired.length ? turned : { ...turned, retired };
}

/** When {@link stepTrust} has something to do next; undefined for never. */
export function nextStepMs({ next, retired }: Trust): number | undefined {
  const due = [...(next === undefined ? [] : [next.fromMs]), ...retired.map(({ untilMs }) => untilMs)];
  return due.length === 0 ? undefined : Math.min(...due);
}

/** The old signer's own root stays trusted while leaves under it live, unless the new one's files name it or it is the same. */
function switchTo(trust: Trust, signing: Authority, times: TrustTimes): Trust {
  const old = rootOf(trust.signing);
  const isGone = !signing.roots.includes(old);
  const kept = trust.retired.filter(({ root }) => !signing.roots.includes(root) && root !== old);
  const untilMs = times.issuedUntilMs;
  const retired =
    isGone && untilMs > times.nowMs
      ? [...kept, { root: old, untilMs, revocations: times.revocationsOf(trust.signing) }]
      : kept;
  return { signing, next: undefined, retired };
}
