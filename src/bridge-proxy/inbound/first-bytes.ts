import { isTls } from "../../codecs/tls/client-hello.ts";

/** What a connection speaks. */
export type Spoken = "tls" | "dubbo" | "http2" | "http1" | "unknown";

const DUBBO_HIGH = 0xda;
const DUBBO_LOW = 0xbb;
const PREFACE = Buffer.from("PRI", "latin1");
const LETTER_A = 0x41;
const LETTER_Z = 0x5a;

/**
 * Tells what a connection speaks by its first bytes, as soon as they leave no doubt: TLS and Dubbo2 by two, HTTP/2 by three of its preface,
 * HTTP/1 by a capital letter, with which every method begins. Undefined while they may still be either; one byte more decides.
 */
export function tellSpoken(bytes: Buffer): Spoken | undefined {
  const first = bytes[0];
  if (first === undefined) return undefined;
  const tls = isTls(bytes);
  if (tls !== false) return tls === true ? "tls" : undefined;
  if (first === DUBBO_HIGH) return bytes.length < 2 ? undefined : bytes[1] === DUBBO_LOW ? "dubbo" : "unknown";
  if (first < LETTER_A || first > LETTER_Z) return "unknown";
  const length = Math.min(bytes.length, PREFACE.length);
  if (bytes.compare(PREFACE, 0, length, 0, length) !== 0) return "http1";
  return bytes.length < PREFACE.length ? undefined : "http2";
}
