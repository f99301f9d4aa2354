import type { Value } from "../value.ts";

/** What rules and routes want to know of a request, whatever its serialization. Everything may throw `ProtocolError`. */
export interface RequestView {
  readonly bytes: Buffer;
  readonly bodyStart: number;
  readonly methodEnd: number;
  readonly service: string;
  readonly version: string | null;
  readonly method: string;
  readonly isGeneric: boolean;
  readonly effectiveMethod: string;
  effectiveArgument(n: number): Value | undefined;
  /** Of a generic call the parameter types that it names, null or a list of names mostly. */
  genericTypes(): Value | undefined;
  attachments(): AttachmentTexts;
}

/** Attachments by name, as attachments.ts describes the three ways of asking. */
export interface AttachmentTexts {
  get(name: string): string | undefined;
  getIgnoreCase(name: string): string | undefined;
  getNumber(name: string): number;
  /** Whether there is a value with this name that is not `text`; makes no text of it. */
  differs(name: string, text: string): boolean;
  /** How many keys, 2 for all above one, are this name but for the case of their letters; one that repeats counts once. */
  countCases(name: string): 0 | 1 | 2;
  /** All that can be read as text, the last of repeated keys. */
  toRecord(): Record<string, string>;
}
