/**
 * Java types as Dubbo names them: descriptors of a call (`Ljava/lang/String;I[J`), names of a generic call
 * (`java.lang.String`, `int`, `long[]`) and, beyond Dubbo, type arguments (`java.util.List<java.lang.Long>`).
 */
import { ProtocolError } from "../base/errors.ts";

/** A Java type: its name as in source (`int`, `java.util.List`), or an array of another. */
export interface JavaType {
  /** `[]` for an array. */
  readonly name: string;
  /** For an array: one type, what it holds. Else the type arguments, as far as they were said. */
  readonly args: readonly JavaType[];
}

/** The type of which nothing is known. */
export const OBJECT_TYPE: JavaType = { name: "java.lang.Object", args: [] };

const PRIMITIVES: Readonly<Record<string, string>> = {
  Z: "boolean",
  B: "byte",
  C: "char",
  S: "short",
  I: "int",
  J: "long",
  F: "float",
  D: "double",
  V: "void",
};

const MAX_TYPE_CHARS = 65_536;
const MAX_NAME_CHARS = 4096;
const MAX_DIMENSIONS = 255;

/** The types of a descriptor that holds any number of them. Throws ProtocolError("java", ...) when it is none. */
export function parseDescriptors(text: string): JavaType[] {
  if (text.length > MAX_TYPE_CHARS) throw badType(text);
  const types: JavaType[] = [];
  let dimensions = 0;
  for (let at = 0; at < text.length; ) {
    if (text[at] === "[") {
      if (++dimensions > MAX_DIMENSIONS) throw badType(text);
      at += 1;
      continue;
    }
    let name = PRIMITIVES[text[at]!];
    if (name !== undefined) at += 1;
    else {
      const end = text[at] === "L" ? text.indexOf(";", at) : -1;
      if (end < at + 2) throw badType(text);
      name = text.slice(at + 1, end).replace(/\//g, ".");
      at = end + 1;
    }
    types.push(arrayOf({ name, args: [] }, dimensions));
    dimensions = 0;
  }
  if (dimensions > 0) throw badType(text);
  return types;
}

/** One type, as a descriptor or as a name. Throws ProtocolError("java", ...) when it is neither. */
export function parseJavaType(text: string): JavaType {
  if (text.length > MAX_NAME_CHARS) throw badType(text);
  if (/^\[*(?:[ZBCSIJFDV]|L[^;]+;)$/.test(text)) return parseDescriptors(text)[0]!;
  // A wildcard is as good as its bound here: what is known of the type.
  const compact = text.replace(/\?\s*(?:extends|super)\s+/g, "").replace(/\s*([<>,?[\]])\s*/g, "$1");
  const tokens = compact.match(/[^<>,[\]?]+|\[\]|[<>,?]/g) ?? [];
  if (tokens.length > 256 || tokens.join("") !== compact) throw badType(text);
  let at = 0;
  const parse = (): JavaType => {
    const name = tokens[at++];
    if (name === undefined || !/^(?:[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*|\?)$/u.test(name))
      throw badType(text);
    const args: JavaType[] = [];
    if (tokens[at] === "<") {
      do {
        at += 1;
        args.push(parse());
      } while (tokens[at] === ",");
      if (tokens[at++] !== ">") throw badType(text);
    }
    let type: JavaType = name === "?" ? OBJECT_TYPE : { name, args };
    for (; tokens[at] === "[]"; at++) type = arrayOf(type, 1);
    return type;
  };
  const type = parse();
  if (at !== tokens.length) throw badType(text);
  return type;
}

function arrayOf(type: JavaType, dimensions: number): JavaType {
  return dimensions === 0 ? type : { name: "[]", args: [arrayOf(type, dimensions - 1)] };
}

/** The type as source has it. */
export function printJavaType(type: JavaType): string {
  if (type.name === "[]") return `${printJavaType(type.args[0]!)}[]`;
  return type.args.length === 0 ? type.name : `${type.name}<${type.args.map(printJavaType).join(",")}>`;
}

/** The type as a descriptor has it; type arguments are not part of one. */
export function descriptorOf(type: JavaType): string {
  if (type.name === "[]") return `[${descriptorOf(type.args[0]!)}`;
  for (const [letter, name] of Object.entries(PRIMITIVES)) if (name === type.name) return letter;
  return `L${type.name.replace(/\./g, "/")};`;
}

function badType(text: string): ProtocolError {
  return new ProtocolError("java", `no java type: ${JSON.stringify(text.slice(0, 200))}`);
}
