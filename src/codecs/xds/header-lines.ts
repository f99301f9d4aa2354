/**
 * Headers of which a call has several lines, as Envoy 1.40 reads them (its `match_headers_individually`): each line is looked at by itself,
 * but for those of a few names, which it makes one line of when they come in.
 */
import type { HeaderLookup, HeaderTest } from "./match.ts";

/** The lines that a call has of a name, in order; none for what is no header of its own, such as `:path`. */
export type HeaderLines = (name: string) => readonly string[];

/** Seen of Envoy 1.40 for requests of HTTP/1.1; a comma without a blank is between two lines. */
const ONE_LINE: ReadonlySet<string> = new Set(
  `accept accept-encoding access-control-request-headers access-control-request-method authorization cache-control content-encoding content-type
  expect grpc-timeout if-match if-modified-since if-none-match if-range if-unmodified-since origin pragma referer user-agent via
  x-client-trace-id x-envoy-original-path x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id`.split(
    /\s+/,
  ),
);

/** The lines of a name as they are looked at. */
export function asLines(name: string, values: readonly string[]): readonly string[] {
  return values.length > 1 && ONE_LINE.has(name) ? [values.join(",")] : values;
}

/** Whether a call meets a test. Of several lines one has to meet it, and all of them one that is inverted. */
export function meets({ name, test, isInverted }: HeaderTest, header: HeaderLookup, lines?: HeaderLines): boolean {
  const said = lines?.(name);
  if (said === undefined || said.length === 0) return test(header(name));
  return isInverted ? said.every((line) => test(line)) : said.some((line) => test(line));
}

/** Whether a call meets all of some tests. */
export function meetsAll(tests: readonly HeaderTest[], header: HeaderLookup, lines?: HeaderLines): boolean {
  for (const one of tests) if (!meets(one, header, lines)) return false;
  return true;
}
