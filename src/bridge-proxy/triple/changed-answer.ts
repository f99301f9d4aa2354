import { CallError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import type { CompiledRoute, Target } from "../route.ts";
import { type CallerStream, StreamBefore } from "./caller-stream.ts";
import { changeFields } from "./edits.ts";

/** The caller's stream, as answers of a route's destination go to it: through what rules change in them, where they do. */
export function answerStream(
  stream: CallerStream,
  { answerMutations: all }: Pick<CompiledRoute, "answerMutations">,
  { answerMutations: own }: Pick<Target, "answerMutations">,
): CallerStream {
  if (all === undefined && own === undefined) return stream;
  return new ChangedAnswer(stream, (fields) => changeFields(fields, all, own));
}

/** A caller's stream whose answer's head is changed on its way; a change that cannot be written is a fault. */
class ChangedAnswer extends StreamBefore {
  readonly #change: (fields: Fields) => Fields;
  #fault: CallError | undefined;

  constructor(to: CallerStream, change: (fields: Fields) => Fields) {
    super(to);
    this.#change = change;
  }

  override get fault(): CallError | undefined {
    return this.#fault ?? this.to.fault;
  }

  override head(fields: Fields, end: boolean, never: readonly string[]): void {
    try {
      this.to.head(this.#change(fields), end, never);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#fault = error;
    }
  }
}
