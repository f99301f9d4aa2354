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
  attachments(): AttachmentTexts;
}

/** Attachments by name, as attachments.ts describes the three ways of asking. */
export interface AttachmentTexts {
  get(name: string): string | undefined;
  getIgnoreCase(name: string): string | undefined;
  getNumber(name: string): number;
}
