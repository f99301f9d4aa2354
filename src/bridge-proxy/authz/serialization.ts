import { ProtocolError } from "../../base/errors.ts";
import { seeClassNames } from "../../codecs/class-names.ts";
import { Fastjson2Head } from "../../codecs/dubbo2/fastjson2-head.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { Fastjson2ClassNames } from "../../codecs/fastjson2/class-names.ts";
import { ClassNameWalker } from "../../codecs/hessian2/class-names.ts";
import type { Value } from "../../codecs/value.ts";
import type { SerializationGuardConfig } from "../../codecs/xds/serialization-guard.ts";

/** Names whose verdict is remembered. */
const MAX_NAMES = 4_096;
const MAX_ARGUMENTS = 255;
/**
 * Forms of generic calls whose arguments are what they seem. Others have providers read Java's own serialization (`nativejava`) or take an answer's
 * type from the caller (`raw.return`, CVE-2021-30179); Java knows them in any case of letters, with a dotless i too.
 */
const GENERIC_FORM = /^(?:true|false|bean|gson|protobuf-json)?$/i;
/** What stands before and behind a class in the name of an array of it. */
const ARRAY = /^\[+L?|;$/g;

/** A class in a call's parameter types: 2.6 loads it, and makes one of it of a map that names none. */
const PARAMETER = /L([^;]*);/g;

/** An array of numbers or flags, as the JVM names it. */
const PRIMITIVES = /^\[+[ZBCDFIJS]$/;

/** Types that are no classes, as Hessian names arrays and lists of them. */
const PLAIN = new Set(" boolean byte short int long float double char string date object".split(" "));

/** What the arguments of a call may hold, compiled. */
export class SerializationCheck {
  readonly dryRun: boolean;
  readonly #maxBodyBytes: number;
  readonly #deny: NameList;
  readonly #allow: NameList | undefined;
  readonly #walker: ClassNameWalker;
  readonly #jsonb: Fastjson2ClassNames;
  readonly #verdicts = new Map<string, string | undefined>();

  constructor({ deny, allow, maxBodyBytes, maxDepth, dryRun }: SerializationGuardConfig) {
    this.dryRun = dryRun === true;
    this.#maxBodyBytes = maxBodyBytes ?? Number.POSITIVE_INFINITY;
    this.#deny = new NameList(deny);
    this.#allow = allow.length === 0 ? undefined : new NameList(allow);
    const limits = maxDepth === undefined ? {} : { maxDepth };
    this.#walker = new ClassNameWalker(limits);
    this.#jsonb = new Fastjson2ClassNames(limits);
  }

  /** Why a Dubbo2 call may not go on; undefined where it may. A call that cannot be read to its end may not. */
  faultOf(head: RequestView): string | undefined {
    return this.#first((see) => {
      if (!(head instanceof RequestHead || head instanceof Fastjson2Head)) return "arguments can't be read";
      for (const [, name] of head.descriptor.matchAll(PARAMETER)) see(name!.replaceAll("/", "."));
      if (head instanceof RequestHead) {
        const { bytes, bodyStart, bodyEnd, argsStart } = head;
        const fault = this.#overLimit(bodyEnd - bodyStart);
        if (fault !== undefined) return fault;
        const behind = this.#walker.walk(
          bytes,
          argsStart,
          bodyEnd,
          head.argumentCount + (hasAttachments(head) ? 1 : 0),
          see,
        );
        const isNull = behind + 1 === bodyEnd && bytes[behind] === 0x4e;
        if (behind < bodyEnd && !isNull) return "body goes on behind its attachments";
        if (head.isGeneric) seeClassNames(argumentsOf(head), see);
      } else {
        const fault = this.#overLimit(head.bytes.length - head.bodyStart);
        if (fault !== undefined) return fault;
        for (const value of head.contents()) this.#jsonb.read(value, see);
      }
      return this.faultOfForm(head.isGeneric ? head.attachments().get("generic") : undefined);
    });
  }

  /** The same of values, and of the Hessian2 bytes of others, each a stream of its own. */
  faultOfValues(bodyBytes: number, values: () => Iterable<Value>, hessian: readonly Buffer[] = []): string | undefined {
    return (
      this.#overLimit(bodyBytes) ??
      this.#first((see) => {
        for (const bytes of hessian)
          if (this.#walker.walk(bytes, 0, bytes.length, 1, see) < bytes.length)
            return "an argument goes on behind its end";
        seeClassNames(values(), see);
        return undefined;
      })
    );
  }

  /** The same of values in JSONB. */
  faultOfJsonb(bodyBytes: number, values: readonly Buffer[]): string | undefined {
    return (
      this.#overLimit(bodyBytes) ??
      this.#first((see) => {
        for (const value of values) this.#jsonb.read(value, see);
        return undefined;
      })
    );
  }

  /** What is wrong with the parameter types that a call names, in Java's words: a translated call has them in its Dubbo2 form. */
  faultOfTypes(names: readonly string[]): string | undefined {
    return this.#first((see) => {
      for (const name of names) if (!PRIMITIVES.test(name)) see(name.replace(/(?:\[\])+$/, ""));
      return undefined;
    });
  }

  /** What is wrong with a generic call of this form; undefined for nothing. */
  faultOfForm(generic: string | undefined): string | undefined {
    return generic !== undefined && !GENERIC_FORM.test(generic)
      ? `generic calls of form ${generic.slice(0, 100)} are refused`
      : undefined;
  }

  #overLimit(bodyBytes: number): string | undefined {
    return bodyBytes > this.#maxBodyBytes
      ? `body of ${bodyBytes} bytes is over the guard's limit ${this.#maxBodyBytes}`
      : undefined;
  }

  #first(run: (see: (name: string) => void) => string | undefined): string | undefined {
    let fault: string | undefined;
    try {
      const other = run((name) => {
        fault ??= this.#verdict(name);
      });
      return fault ?? other;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return fault ?? `arguments can't be read: ${error.message}`;
    }
  }

  #verdict(wireName: string): string | undefined {
    if (this.#verdicts.has(wireName)) return this.#verdicts.get(wireName);
    const name = wireName.replace(ARRAY, "");
    const isNamed = this.#allow?.hasFull(name) === true;
    const isOther = this.#allow !== undefined && !this.#allow.has(name) && !PLAIN.has(name);
    const isRefused = !isNamed && (isOther || this.#deny.has(name));
    const fault = isRefused ? `class ${JSON.stringify(name.slice(0, 200))} is refused` : undefined;
    if (this.#verdicts.size >= MAX_NAMES) this.#verdicts.clear();
    this.#verdicts.set(wireName, fault);
    return fault;
  }
}

function hasAttachments(head: RequestHead): boolean {
  return head.attachments().form === "map";
}

function* argumentsOf(view: { effectiveArgument(n: number): Value | undefined }): Generator<Value> {
  for (let n = 0; n < MAX_ARGUMENTS; n++) {
    const value = view.effectiveArgument(n);
    if (value === undefined) return;
    yield value;
  }
}

/** Names and beginnings of names. */
class NameList {
  readonly #full = new Set<string>();
  readonly #starts: string[] = [];

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      if (pattern.endsWith("*")) this.#starts.push(pattern.slice(0, -1));
      else this.#full.add(pattern);
    }
  }

  has(name: string): boolean {
    return this.#full.has(name) || this.#starts.some((start) => name.startsWith(start));
  }

  hasFull(name: string): boolean {
    return this.#full.has(name);
  }
}
