import { InvalidArgumentError } from "commander";
import { CALL_SCHEMES, type CallScheme } from "./call-target.ts";
import type { OutputFormat } from "./output.ts";

/** The options of `trestle call`. */
export interface CallOptions {
  /** `""` for none. */
  readonly group: string;
  /** `""` for none. */
  readonly version: string;
  readonly attachment: readonly (readonly [string, string])[];
  readonly types?: string;
  readonly generic?: boolean;
  /** ms, of connecting and of the answer each. */
  readonly timeout: number;
  readonly registry?: string;
  /** A running instance's address. */
  readonly admin?: string;
  /** How to call a service that is named without an address; undefined for Dubbo2 or Triple, as its providers speak. */
  readonly protocol?: CallScheme;
  readonly oneWay?: boolean;
  /** Bytes. */
  readonly maxMessage: number;
  readonly output: OutputFormat;
  /** Paths of .proto files. */
  readonly proto: readonly string[];
  /** Folders that their imports start from; none for their own and the working one. */
  readonly protoPath: readonly string[];
  /** Path of a FileDescriptorSet. */
  readonly descriptor?: string;
}

/** Puts a text behind those `before` it; for options that repeat. */
export function addText(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

/** Reads one `name=value` and puts it behind those `before` it; for commander. */
export function readAttachment(text: string, before: readonly (readonly [string, string])[]): [string, string][] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new InvalidArgumentError("it must be name=value.");
  return [
    ...before.map(([name, value]): [string, string] => [name, value]),
    [text.slice(0, equals), text.slice(equals + 1)],
  ];
}

/** Reads a protocol; for commander. */
export function readProtocol(text: string): CallScheme {
  const known = CALL_SCHEMES.find((one) => one === text);
  if (known === undefined) throw new InvalidArgumentError(`it must be one of ${CALL_SCHEMES.join(", ")}.`);
  return known;
}

/** Reads a time in ms; for commander. */
export function readTimeout(text: string): number {
  const ms = Number(text);
  if (!/^\d+$/.test(text) || ms < 1 || ms > 600_000) throw new InvalidArgumentError("it must be 1 to 600000 ms.");
  return ms;
}

const MAX_MESSAGE_BYTES = 1024 * 1024 * 1024;

/** Reads a size in bytes; for commander. */
export function readMessageBytes(text: string): number {
  const bytes = Number(text);
  if (!/^\d+$/.test(text) || bytes < 1 || bytes > MAX_MESSAGE_BYTES)
    throw new InvalidArgumentError(`it must be 1 to ${MAX_MESSAGE_BYTES} bytes.`);
  return bytes;
}
