import { ProtocolError } from "../../base/errors.ts";
import { genericTypeAt } from "../dubbo2/request-view.ts";
import { Hessian2Reader } from "../hessian2/reader.ts";
import { isContainer, type Value } from "../value.ts";
import { decodeRequestWrapper, isHessian, type RequestWrapper } from "./body.ts";
import { FASTJSON2_TYPE, readFastjson2 } from "./fastjson2.ts";

/**
 * The arguments of a wrapped call as rules see them: those of a generic call are the ones that it carries. Reference: GenericService
 * of Apache Dubbo: `$invoke(method, types, values)`.
 */
export class WrapperView {
  readonly #method: string;
  readonly #wrapper: RequestWrapper;
  readonly #values = new Map<number, Value>();

  /** Reads the message of a call to `method`. Throws ProtocolError("triple", ...) where it is no wrapper in Hessian 2 or fastjson2. */
  constructor(method: string, message: Buffer) {
    this.#method = method;
    this.#wrapper = decodeRequestWrapper(message);
    const { serializeType } = this.#wrapper;
    if (!isHessian(serializeType) && serializeType !== FASTJSON2_TYPE) {
      const text = `wrapper in ${JSON.stringify(serializeType)}, only hessian and fastjson2 are read`;
      throw new ProtocolError("triple", text);
    }
  }

  /** Whether the call names the method that it means in its arguments. */
  get isGeneric(): boolean {
    const { args } = this.#wrapper;
    return this.#method.startsWith("$invoke") && args.length === 3;
  }

  /** The method that is meant. Throws `ProtocolError` like {@link effectiveArgument}. */
  get effectiveMethod(): string {
    const named = this.isGeneric ? this.#argument(0) : undefined;
    return typeof named === "string" ? named : this.#method;
  }

  /** Argument `n` (from 0) of the meant method; undefined beyond the last. Throws `ProtocolError` for bytes that are no value. */
  effectiveArgument(n: number): Value | undefined {
    if (!this.isGeneric) return this.#argument(n);
    const values = this.#argument(2) ?? null;
    return isContainer(values) && values.type === "list" ? values.items[n] : undefined;
  }

  /** As a Dubbo2 request has it: Java's name of the type of argument `n`. */
  effectiveType(n: number): string | undefined {
    return this.isGeneric ? genericTypeAt(this.genericTypes(), n) : this.#wrapper.argTypes[n];
  }

  /** Of a generic call the parameter types that it names. */
  genericTypes(): Value | undefined {
    return this.isGeneric ? this.#argument(1) : undefined;
  }

  #argument(n: number): Value | undefined {
    const known = this.#values.get(n);
    if (known !== undefined) return known;
    const bytes = this.#wrapper.args[n];
    if (bytes === undefined) return undefined;
    const isJsonb = this.#wrapper.serializeType === FASTJSON2_TYPE;
    const value = isJsonb ? readFastjson2(bytes) : new Hessian2Reader().reset(bytes).readValue();
    this.#values.set(n, value);
    return value;
  }
}
