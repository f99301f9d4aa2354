import { ProtocolError } from "../../base/errors.ts";

/**
 * Names that peers read in more than one way. What a policy is asked of has to be what the provider calls:
 *
 * | said | read as | by |
 * |---|---|---|
 * | ` drop`, `drop\0` as argument 0 of `$invoke` | `drop`: `String.trim` | Java 2.6 to 3.3 |
 * | `dro` with types `pjava.lang.String` | `drop(java.lang.String)`: a cache keyed on both texts in one | Java 2.6, 2.7 |
 * | `Drop` in a Triple path | `drop`, where there is no `Drop`; gRPC's `drop` for `Drop` of a .proto file | Java 3.x |
 * | service `g/com.acme.A:1.0` | service com.acme.A of group g, version 1.0 | Java, Dubbo2 to 2.7, Triple |
 *
 * Reference: GenericFilter, ReflectUtils.findMethodByMethodSignature, DescriptorUtils, DubboProtocol.getInvoker and TriplePathResolver of Apache Dubbo.
 */

/** Another method that a call may mean. */
export interface OtherMethod {
  readonly method: string;
  /** It is as likely as the one that is named: policies have to allow it too. Others are only asked whether they are denied. */
  readonly strict: boolean;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$_]*$/u;
const SHOWN = 100;

/** Throws ProtocolError for a method that is no plain identifier of Java. */
export function requireMethodName(method: string, protocol: "dubbo2" | "triple"): void {
  if (IDENTIFIER.test(method)) return;
  throw new ProtocolError(protocol, `method ${shown(method)} is no name, and policies hold here`);
}

/** A service as a call names it. */
export interface NamedService {
  /** The interface, behind a context path where there is one. */
  readonly path: string;
  readonly group: string;
  readonly version: string;
}

/** Throws ProtocolError where a group or version stands in a service's name, or the other way round. */
export function requireServiceName({ path, group, version }: NamedService, protocol: "dubbo2" | "triple"): void {
  if (!path.includes(":") && !/[/:]/.test(group) && !/[/:]/.test(version)) return;
  const said = [path, group, version].map(shown).join(", ");
  throw new ProtocolError(protocol, `service, group and version ${said} can be read in several ways`);
}

/** What stands before the interface in a service's name; `""` for nothing. It may be a context path, and a group. */
export function contextOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The same method with its first letter in the other case. */
export function otherCase(method: string): readonly OtherMethod[] {
  const first = method[0] ?? "";
  const other = first === first.toLowerCase() ? first.toUpperCase() : first.toLowerCase();
  // Letters whose other case is two letters have none in Java's Character.
  return other === first || other.length !== 1 ? [] : [{ method: other + method.slice(1), strict: false }];
}

const TYPE_NAME =
  /^(?:\[+(?:[ZBCDFIJSV]|L[^\s[\];]+;)|[\p{ID_Start}$_][\p{ID_Continue}$_]*(?:\.[\p{ID_Start}$_][\p{ID_Continue}$_]*)*(?:\[\])*)$/u;
const PRIMITIVE = /^(?:boolean|byte|char|short|int|long|float|double|void)/;
/** First parts of packages that a type is likely to begin with. */
const PACKAGES = ["java", "javax", "jakarta", "com", "org", "net", "io", "cn", "edu", "gov", "dev"];
const MAX_TYPES = 255;

/**
 * Other methods of the interface that a generic call may reach on providers which look methods up by their name and types in one text. Throws
 * ProtocolError for types that are none.
 */
export function genericMethods(
  interfaceName: string,
  method: string,
  types: readonly unknown[],
): readonly OtherMethod[] {
  for (const type of types)
    if (typeof type !== "string" || type.length > 512 || types.length > MAX_TYPES || !TYPE_NAME.test(type))
      throw new ProtocolError("dubbo2", `generic call of ${shown(method)} names a type that is none`);
  const text = `${method}${types.join("")}`;
  const packages = new RegExp(`^(?:${[...PACKAGES, interfaceName.split(".", 1)[0]!.replace(/\W/g, "")].join("|")})\\.`);
  const isType = (rest: string) => rest === "" || rest[0] === "[" || PRIMITIVE.test(rest) || packages.test(rest);
  const named = types.length === 0 || isType(types[0] as string);
  const end = text.search(/[.[]/);
  const found: OtherMethod[] = [];
  for (let cut = 1; cut <= (end < 0 ? text.length : end); cut++) {
    if (cut === method.length || !isType(text.slice(cut))) continue;
    found.push({ method: text.slice(0, cut), strict: cut > method.length && !named });
  }
  return found;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN));
}
