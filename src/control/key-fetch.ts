/** What stands at an address, and how long its server says that this is good, ms; undefined where it says nothing. */
export interface FetchedText {
  readonly text: string;
  readonly freshMs: number | undefined;
}

/** Gets what stands at an address within a time; rejects with words for people. */
export type FetchText = (uri: string, timeoutMs: number) => Promise<FetchedText>;

/** Longest document that is read, bytes. */
export const MAX_BYTES = 1024 * 1024;

/** By HTTP. Redirects are not followed: they would lead past the check of the address. */
export const fetchText: FetchText = async (uri, timeoutMs) => {
  const limit = new AbortController();
  let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const timer = setTimeout(() => {
    limit.abort(new Error(`timeout: no whole answer in ${timeoutMs} ms`));
    // By then `fetch` may have forgotten its signal: garbage collection takes that from it once the head is there.
    body?.cancel().catch(() => {});
  }, timeoutMs);
  try {
    const answer = await fetch(uri, {
      redirect: "error",
      signal: limit.signal,
      headers: { accept: "application/json" },
    }).catch((error: Error) => {
      throw withCause(error);
    });
    if (!answer.ok) {
      await answer.body?.cancel();
      throw new Error(`status ${answer.status}`);
    }
    body = answer.body?.getReader();
    const text = body === undefined ? "" : await readText(body);
    limit.signal.throwIfAborted();
    return { text, freshMs: freshness(answer.headers.get("cache-control"), answer.headers.get("age")) };
  } finally {
    clearTimeout(timer);
  }
};

async function readText(body: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (let next = await body.read(); !next.done; next = await body.read()) {
    bytes += next.value.length;
    if (bytes > MAX_BYTES) {
      await body.cancel();
      throw new Error(`answer is over the limit of ${MAX_BYTES} bytes`);
    }
    pieces.push(next.value);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** How long an answer is good by its headers (RFC 9111 4.2), ms; undefined where they say nothing. */
export function freshness(cacheControl: string | null, age: string | null): number | undefined {
  const said = (cacheControl ?? "").toLowerCase().split(",");
  const names = said.map((one) => one.trim());
  if (names.some((one) => /^no-(?:cache|store)\b/.test(one))) return 0;
  const seconds = names.map((one) => /^max-age\s*=\s*"?(\d{1,10})"?$/.exec(one)?.[1]).find((one) => one !== undefined);
  if (seconds === undefined) return undefined;
  const passed = /^\s*(\d{1,10})\s*$/.exec(age ?? "")?.[1] ?? "0";
  return Math.max(0, Number(seconds) - Number(passed)) * 1_000;
}

/** What `fetch` says of a fault is no more than that there was one. */
function withCause(error: Error): Error {
  const cause = error.cause as { readonly message?: string; readonly code?: string } | undefined;
  const said = cause?.message || cause?.code;
  return said === undefined ? error : new Error(`${error.message}: ${said}`, { cause: error });
}
