import { isContainer, type Value } from "../value.ts";

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
  /** Java's name of the type of argument `n`, or its letter in descriptors; undefined where the call does not say it. */
  effectiveType(n: number): string | undefined;
  /** All parameter types are of ASCII letters: 2.6 counts no others, and reads as many arguments less. */
  readonly hasPlainTypes: boolean;
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

/** Type `n` of those that a generic call names; undefined where it names none there. */
export function genericTypeAt(types: Value | undefined, n: number): string | undefined {
  if (types === undefined || !isContainer(types) || types.type !== "list") return undefined;
  const type = types.items[n];
  return typeof type === "string" ? type : undefined;
}

/** Type `n` of a descriptor's types, as {@link RequestView.effectiveType} has it. */
export function typeAt(types: readonly string[], n: number): string | undefined {
  const type = types[n];
  return type?.startsWith("L") === true ? type.slice(1, -1).replaceAll("/", ".") : type;
}
