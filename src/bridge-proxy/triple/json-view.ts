import { ProtocolError } from "../../base/errors.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import type { Value } from "../../codecs/value.ts";
import { argumentsOfJson, type JsonCallParts } from "../bridge/json-form.ts";

/** Whether a call's arguments are read of its whole content: JSON, or the query and form of a plain request. */
export function isReadWhole({ kind }: Pick<CallHead, "kind">): boolean {
  return kind === "json" || kind === "http";
}

/** The arguments of a call with JSON as rules see them: those that a Dubbo2 provider would be given. */
export class JsonView {
  readonly isGeneric = false;
  readonly effectiveMethod: string;
  readonly #args: readonly Value[];

  /** Reads all of a call's content. Throws `ProtocolError` and CallError where it is none that {@link argumentsOfJson} takes, and for generic calls. */
  constructor(head: CallHead, content: Buffer, parts: JsonCallParts) {
    if (head.method.startsWith("$invoke"))
      throw new ProtocolError("json", "the method of a generic call is read of gRPC-framed ones alone");
    this.effectiveMethod = head.method;
    this.#args = argumentsOfJson(head, content, parts);
  }

  /** Argument `n` (from 0); undefined beyond the last. */
  effectiveArgument(n: number): Value | undefined {
    return this.#args[n];
  }
}
