import type { Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import { pause } from "../base/pause.ts";
import { ApiFailure, type KubernetesApi } from "./api.ts";

/** What {@link reflect} follows, and whom it tells. */
export interface ReflectorOptions {
  readonly api: KubernetesApi;
  /** Such as `/api/v1/services`. */
  readonly path: string;
  /** Selectors, as a query without `?`; empty for none. */
  readonly query: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** All objects of a whole list. */
  readonly onList: (objects: readonly unknown[]) => void;
  /** An object as it is now, or as it was last where it is deleted. */
  readonly onObject: (object: unknown, isDeleted: boolean) => void;
  /** Something was answered: the server is there. */
  readonly onAnswer: () => void;
  /** What went wrong; it goes on. */
  readonly onFailure: (error: unknown) => void;
}

const PAGE = 500;
/** Most objects of one list. */
const MAX_OBJECTS = 400_000;
/** How long a watch is asked to last, s; the server may end it earlier. */
const WATCH_SECONDS = 290;
/** Without a line for so long a watch is given up, ms: bookmarks come every minute. */
const SILENCE_MS = 130_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 15_000;
/** Whatever watches say, after this time everything is listed anew, ms. */
const RELIST_MS = 1_800_000;
const GONE = 410;
/** So a server says that it is behind the version that a watch is to begin at. */
const BEHIND = 504;

/** Watches cannot go on from where they were: a new list is needed. */
class Lost extends TransientError {}

/**
 * Keeps up with one kind of objects until the signal: a list in pages, then watches from its resourceVersion on. A watch that ends is
 * taken up again where it was, bookmarks moving that place on. Begun with a new list is one whose place is too old (410 Gone, or an ERROR
 * event that says so), one that said nothing for long, and all where versions went backwards, as they do when the server's storage was
 * restored: from a place in its future it would tell of nothing. Failures are told and retried, from a quarter of a second up to 15 s
 * apart; what was told before stands.
 */
export async function reflect(options: ReflectorOptions): Promise<void> {
  const { clock, signal, onFailure } = options;
  let pauseMs = FIRST_PAUSE_MS;
  let version: string | undefined;
  let listedMs = 0;
  let isAgain = false;
  while (!signal.aborted) {
    try {
      if (version !== undefined && clock.now() - listedMs >= RELIST_MS) version = undefined;
      if (version === undefined) {
        version = await list(options);
        listedMs = clock.now();
      } else if (isOlder(await head(options), version)) throw new Lost(restoredText(options));
      const before = version;
      version = await watch(options, version);
      // A watch that brought nothing and ended at once would be asked for again without an end.
      if (version === before) await pause(clock, FIRST_PAUSE_MS, signal);
      pauseMs = FIRST_PAUSE_MS;
      isAgain = false;
    } catch (error) {
      if (signal.aborted) return;
      const isGone = error instanceof ApiFailure && error.status === GONE;
      if (isGone || error instanceof Lost || (error instanceof ApiFailure && error.status === BEHIND))
        version = undefined;
      // Places become too old now and then; right after a list they do not.
      if (!isGone || isAgain) onFailure(error);
      await pause(clock, isGone && !isAgain ? FIRST_PAUSE_MS : pauseMs, signal);
      isAgain = isGone;
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    }
  }
}

/** Whether a version is before another, where both are numbers, as those of all servers are. */
function isOlder(version: string, than: string): boolean {
  return /^\d{1,20}$/.test(version) && /^\d{1,20}$/.test(than) && BigInt(version) < BigInt(than);
}

function restoredText({ path }: ReflectorOptions): string {
  return `${path} is at an earlier version than before: its storage was restored; everything is listed anew`;
}

/** The version that the server is at. */
async function head({ api, path, query, signal }: ReflectorOptions): Promise<string> {
  const answer = asRecord(await api.get(`${path}?limit=1${query === "" ? "" : `&${query}`}`, signal));
  return String(asRecord(answer["metadata"])["resourceVersion"] ?? "");
}

async function list({ api, path, query, signal, onList, onAnswer }: ReflectorOptions): Promise<string> {
  const objects: unknown[] = [];
  let next = "";
  let version = "";
  do {
    const more = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
    const answer = asRecord(await api.get(`${path}?limit=${PAGE}${query === "" ? "" : `&${query}`}${more}`, signal));
    const metadata = asRecord(answer["metadata"]);
    if (!Array.isArray(answer["items"]) || typeof metadata["resourceVersion"] !== "string")
      throw new TransientError(`${path} was not answered with a list`);
    for (const item of answer["items"]) objects.push(item);
    if (objects.length > MAX_OBJECTS) throw new TransientError(`${path} holds over ${MAX_OBJECTS} objects`);
    version = metadata["resourceVersion"];
    next = typeof metadata["continue"] === "string" ? metadata["continue"] : "";
  } while (next !== "");
  onAnswer();
  onList(objects);
  return version;
}

/** Follows changes from a version on; gives the version up to which everything was told. */
async function watch(options: ReflectorOptions, from: string): Promise<string> {
  const { api, path, query, clock, signal, onObject, onAnswer } = options;
  let version = from;
  const stop = new AbortController();
  const end = () => stop.abort();
  signal.addEventListener("abort", end, { once: true });
  let silence = clock.after(SILENCE_MS, end);
  const asked = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${encodeURIComponent(from)}`;
  try {
    for await (const line of api.lines(`${path}?${asked}${query === "" ? "" : `&${query}`}`, stop.signal)) {
      silence.cancel();
      silence = clock.after(SILENCE_MS, end);
      onAnswer();
      const { type, object } = asRecord(line);
      if (type === "ERROR") throw failureOf(path, object);
      const at = asRecord(asRecord(object)["metadata"])["resourceVersion"];
      if (typeof at !== "string") throw new TransientError(`${path} told of an object without a resourceVersion`);
      if (isOlder(at, version)) throw new Lost(restoredText(options));
      version = at;
      if (type === "ADDED" || type === "MODIFIED") onObject(object, false);
      else if (type === "DELETED") onObject(object, true);
    }
    if (stop.signal.aborted && !signal.aborted)
      throw new Lost(`${path} said nothing for ${SILENCE_MS / 1_000} s; everything is listed anew`);
  } catch (error) {
    // What was told before an error is told: the next watch begins behind it.
    if (version === from || error instanceof ApiFailure || error instanceof Lost) throw error;
    options.onFailure(error);
  } finally {
    silence.cancel();
    signal.removeEventListener("abort", end);
    stop.abort();
  }
  return version;
}

/** What an ERROR event says: a Status object. */
function failureOf(path: string, object: unknown): ApiFailure {
  const { code, message } = asRecord(object);
  return new ApiFailure(path, typeof code === "number" ? code : 500, typeof message === "string" ? message : "");
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
