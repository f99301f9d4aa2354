/**
 * The head of a request's body, read in place: five strings, the arguments, the attachments.
 *
 * | field | hessian2 |
 * |---|---|
 * | protocol version | string: `2.0.2`; SDKs before 2.6.2 send their jar's version |
 * | service | string: interface, or the `path` it was exported under |
 * | service version | string, `0.0.0` for none, or null |
 * | method | string |
 * | (Dubbox) | an int that some forks put here |
 * | descriptor | string: JVM parameter types, `Ljava/lang/String;I[J`; empty for none |
 * | arguments | one value for each type |
 * | attachments | a map, see attachments.ts |
 *
 * Reference: DubboCodec and DecodeableRpcInvocation of Apache Dubbo 2.6, 2.7 and 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import { Hessian2Reader } from "../hessian2/reader.ts";
import { Skipper } from "../hessian2/skip.ts";
import { skipUnits } from "../hessian2/strings.ts";
import type { ListValue, Value } from "../value.ts";
import { Attachments } from "./attachments.ts";
import { genericTypeAt, typeAt } from "./request-view.ts";
import { decodeText, equalsAscii, intSize } from "./text.ts";

/** The descriptor that makes `$invoke` and `$invokeAsync` generic calls; with another one they are ordinary methods. */
export const GENERIC_DESCRIPTOR = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";
/** The JVM's own bound on a method's parameters. */
export const MAX_ARGUMENTS = 255;

const NO_BYTES = Buffer.alloc(0);

/**
 * One request's head; reused for one request after another without allocating. The bytes are borrowed: everything is good
 * until the next `scan`, or until their owner overwrites them. All offsets are into `bytes`, ends are exclusive, and string
 * ranges leave the tag and length out. Every method throws `ProtocolError("dubbo2", ...)` only.
 */
export class RequestHead {
  bytes: Buffer = NO_BYTES;
  bodyStart = 0;
  bodyEnd = 0;
  protocolStart = 0;
  protocolEnd = 0;
  serviceStart = 0;
  serviceEnd = 0;
  /** -1, both, where the version is null. */
  versionStart = -1;
  versionEnd = -1;
  methodStart = 0;
  methodEnd = 0;
  /** Where the descriptor's tag stands: behind the method, or behind Dubbox's int. */
  descriptorTag = 0;
  descriptorStart = 0;
  descriptorEnd = 0;
  /** Where the first argument starts. */
  argsStart = 0;
  /** The end of the string that was read last. */
  #end = 0;
  #protocolVersion: string | undefined;
  #service: string | undefined;
  #version: string | null | undefined;
  #method: string | undefined;
  #descriptor: string | undefined;
  #effectiveMethod: string | undefined;
  #argumentCount = -1;
  #attachmentsRead = false;
  #arguments: Value[] | undefined;
  #reader: Hessian2Reader | undefined;
  readonly #skipper = new Skipper();
  readonly #attachments = new Attachments();

  /** Finds the five leading strings of the Hessian2 body `bytes[bodyStart, bodyEnd)`; nothing is decoded yet. */
  scan(bytes: Buffer, bodyStart: number, bodyEnd: number): void {
    this.bytes = bytes;
    this.bodyStart = bodyStart;
    this.bodyEnd = bodyEnd;
    this.#protocolVersion = undefined;
    this.#service = undefined;
    this.#version = undefined;
    this.#method = undefined;
    this.#descriptor = undefined;
    this.#effectiveMethod = undefined;
    this.#argumentCount = -1;
    this.#attachmentsRead = false;
    if (this.#arguments !== undefined) this.#forgetArguments();
    try {
      this.protocolStart = this.#range(bodyStart, "protocol version");
      this.protocolEnd = this.#end;
      this.serviceStart = this.#range(this.#end, "service");
      this.serviceEnd = this.#end;
      if (bytes[this.serviceEnd] === 0x4e && this.serviceEnd < bodyEnd) {
        this.versionStart = -1;
        this.versionEnd = -1;
        this.#end++;
      } else {
        this.versionStart = this.#range(this.#end, "service version");
        this.versionEnd = this.#end;
      }
      this.methodStart = this.#range(this.#end, "method");
      this.methodEnd = this.#end;
      this.descriptorTag = this.methodEnd < bodyEnd ? this.methodEnd + intSize(bytes[this.methodEnd]!) : bodyEnd;
      this.descriptorStart = this.#range(this.descriptorTag, "parameter types");
      this.descriptorEnd = this.#end;
      this.argsStart = this.#end;
    } catch (error) {
      throw asDubbo2(error);
    }
  }

  /** Lets go of the bytes, so that a kept instance does not hold a caller's memory. */
  release(): void {
    this.bytes = NO_BYTES;
    this.#skipper.release();
    this.#attachments.release();
    this.#attachmentsRead = false;
    this.#forgetArguments();
  }

  /** Dubbo protocol version as the caller claims it, such as `2.0.2`. */
  get protocolVersion(): string {
    this.#protocolVersion ??= decodeText(this.bytes, this.protocolStart, this.protocolEnd);
    return this.#protocolVersion;
  }

  /** Interface or path. */
  get service(): string {
    this.#service ??= decodeText(this.bytes, this.serviceStart, this.serviceEnd);
    return this.#service;
  }

  /** Service version; `0.0.0` and null both mean none. */
  get version(): string | null {
    if (this.#version === undefined) {
      this.#version = this.versionStart < 0 ? null : decodeText(this.bytes, this.versionStart, this.versionEnd);
    }
    return this.#version;
  }

  /** Method on the wire: `$invoke` for generic calls, see {@link effectiveMethod}. */
  get method(): string {
    this.#method ??= decodeText(this.bytes, this.methodStart, this.methodEnd);
    return this.#method;
  }

  /** Parameter types as the JVM writes them, one behind the other. */
  get descriptor(): string {
    this.#descriptor ??= decodeText(this.bytes, this.descriptorStart, this.descriptorEnd);
    return this.#descriptor;
  }

  /** How many arguments the descriptor announces. */
  get argumentCount(): number {
    if (this.#argumentCount < 0) this.#argumentCount = countTypes(this.bytes, this.descriptorStart, this.descriptorEnd);
    return this.#argumentCount;
  }

  get hasPlainTypes(): boolean {
    const { bytes, descriptorEnd } = this;
    for (let at = this.descriptorStart; at < descriptorEnd; at++) if (bytes[at]! > 0x7f) return false;
    return true;
  }

  /** Whether this is a generic call: the method by name and the descriptor exactly, as Dubbo asks since CVE-2020-1948. */
  get isGeneric(): boolean {
    const { bytes, methodStart, methodEnd } = this;
    if (bytes[methodStart] !== 0x24 || methodStart === methodEnd) return false;
    if (
      !equalsAscii(bytes, methodStart, methodEnd, "$invoke") &&
      !equalsAscii(bytes, methodStart, methodEnd, "$invokeAsync")
    ) {
      return false;
    }
    return equalsAscii(bytes, this.descriptorStart, this.descriptorEnd, GENERIC_DESCRIPTOR);
  }

  /** The Java method that is meant: of a generic call the one that its argument 0 names. */
  get effectiveMethod(): string {
    this.#effectiveMethod ??= this.isGeneric ? (this.#genericMethod() ?? this.method) : this.method;
    return this.#effectiveMethod;
  }

  /** Walks over the arguments to the attachments, once a request. The view is good as long as this head is. */
  attachments(): Attachments {
    if (this.#attachmentsRead) return this.#attachments;
    try {
      const skipper = this.#skipper.reset(this.bytes, this.argsStart, this.bodyEnd);
      const count = this.argumentCount;
      if (count > 0) skipper.skipValues(count);
      this.#attachments.load(skipper, this.bytes, this.bodyEnd);
    } catch (error) {
      throw asDubbo2(error);
    }
    this.#attachmentsRead = true;
    return this.#attachments;
  }

  /** Argument `n` (from 0) as a value tree, decoded on demand and once a request; undefined where there is no such argument. */
  argument(n: number): Value | undefined {
    if (n < 0 || n >= this.argumentCount) return undefined;
    try {
      if (this.#arguments === undefined) {
        this.#reader ??= new Hessian2Reader();
        this.#reader.reset(this.bytes, this.argsStart, this.bodyEnd);
        this.#arguments = [];
      }
      // References and definitions span the body: what stands before is read too.
      while (this.#arguments.length <= n) this.#arguments.push(this.#reader!.readValue());
    } catch (error) {
      this.#arguments = undefined;
      throw asDubbo2(error);
    }
    return this.#arguments[n];
  }

  /** How many arguments the meant method gets: of a generic call the length of its list of values. */
  get effectiveArgumentCount(): number {
    if (!this.isGeneric) return this.argumentCount;
    const values = this.argument(2) ?? null;
    return isList(values) ? values.items.length : 0;
  }

  /** Argument `n` of the meant method: of a generic call the n-th of its values. */
  effectiveArgument(n: number): Value | undefined {
    if (!this.isGeneric) return this.argument(n);
    const values = this.argument(2) ?? null;
    return isList(values) ? values.items[n] : undefined;
  }

  effectiveType(n: number): string | undefined {
    return this.isGeneric ? genericTypeAt(this.genericTypes(), n) : typeAt(splitTypes(this.descriptor), n);
  }

  /** Of a generic call the parameter types that it names. */
  genericTypes(): Value | undefined {
    return this.isGeneric ? this.argument(1) : undefined;
  }

  #genericMethod(): string | null {
    try {
      const skipper = this.#skipper.reset(this.bytes, this.argsStart, this.bodyEnd);
      return skipper.isString() ? skipper.readString() : null;
    } catch (error) {
      throw asDubbo2(error);
    }
  }

  #forgetArguments(): void {
    this.#arguments = undefined;
    this.#reader?.release();
  }

  /** Start of the string whose tag is at `at`; its end is left in `#end`. */
  #range(at: number, what: string): number {
    const { bytes, bodyEnd } = this;
    if (at >= bodyEnd) throw new ProtocolError("dubbo2", `request ends before its ${what}`, at);
    const tag = bytes[at]!;
    let start = at + 1;
    let units = tag;
    if (tag > 0x1f) {
      if (tag >= 0x30 && tag <= 0x33) {
        units = ((tag - 0x30) << 8) | bytes[at + 1]!;
        start = at + 2;
      } else if (tag === 0x53) {
        units = (bytes[at + 1]! << 8) | bytes[at + 2]!;
        start = at + 3;
      } else {
        throw new ProtocolError(
          "dubbo2",
          `request's ${what} is no string: tag 0x${tag.toString(16).padStart(2, "0")}`,
          at,
        );
      }
      if (start > bodyEnd) throw new ProtocolError("dubbo2", `request ends in its ${what}`, at);
    }
    this.#end = skipUnits(bytes, start, units, bodyEnd);
    return start;
  }
}

/** Number of parameter types in a descriptor. Throws `ProtocolError` on a malformed one, or over {@link MAX_ARGUMENTS}. */
export function countTypes(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; count++) {
    if (count === MAX_ARGUMENTS) throw new ProtocolError("dubbo2", `more than ${MAX_ARGUMENTS} parameter types`, at);
    while (at < end && bytes[at] === 0x5b) at++;
    at = endOfType(bytes, at, end);
  }
  return count;
}

/** The single types of a descriptor's text: `I[JLa/B;` is `I`, `[J` and `La/B;`. Throws as {@link countTypes}. */
export function splitTypes(descriptor: string): string[] {
  const bytes = Buffer.from(descriptor, "utf8");
  countTypes(bytes, 0, bytes.length);
  return descriptor.match(/\[*(?:L[^;]*;|[VZBCDFIJS])/g) ?? [];
}

function endOfType(bytes: Uint8Array, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x56: // V
    case 0x5a: // Z
    case 0x42: // B
    case 0x43: // C
    case 0x44: // D
    case 0x46: // F
    case 0x49: // I
    case 0x4a: // J
    case 0x53: // S
      if (start < end) return start + 1;
      break;
    case 0x4c: {
      // L: the name of a class, as Java's providers look for them; they pass over what is none, and would count otherwise.
      let isName = false;
      for (let at = start + 1; at < end; at++) {
        const char = bytes[at]!;
        if (char === 0x3b && isName) return at + 1;
        const isAscii = ((char | 0x20) >= 0x61 && (char | 0x20) <= 0x7a) || char === 0x5f || char === 0x24;
        const isLetter = isAscii || char > 0x7f;
        const isNext = isName && (char === 0x2f || (char >= 0x30 && char <= 0x39));
        if (!isLetter && !isNext) break;
        isName = char !== 0x2f;
      }
    }
  }
  throw new ProtocolError("dubbo2", "parameter types are malformed", start);
}

function isList(value: Value): value is ListValue {
  return value !== null && typeof value === "object" && "type" in value && value.type === "list";
}

/** The same fault under this protocol's name; what is no `ProtocolError` is a bug and passes as it is. */
export function asDubbo2(error: unknown): unknown {
  if (!(error instanceof ProtocolError) || error.protocol === "dubbo2") return error;
  return new ProtocolError("dubbo2", error.message, error.offset);
}
