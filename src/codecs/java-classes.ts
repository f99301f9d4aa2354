/**
 * Classes that one interface's metadata leaves out and another's has. Java's reports say `StreamObserver` without its type (3.3.6), so that
 * nothing describes the messages of streams.
 */
import type { JavaType, ServiceSchema } from "../model/schema.ts";
import { compileJava, type JavaSchema } from "./java-schema.ts";

/** The classes of all interfaces, without methods; of several that describe one the first counts. */
export function javaClasses(schemas: Iterable<ServiceSchema>): JavaSchema {
  const types: Record<string, JavaType> = {};
  for (const { java } of schemas) {
    for (const [name, type] of Object.entries(java?.types ?? {})) if (!Object.hasOwn(types, name)) types[name] = type;
  }
  return compileJava({ methods: [], types });
}

const joined = new WeakMap<JavaSchema, WeakMap<JavaSchema, JavaSchema>>();

/** An interface that knows the classes of `others` beside its own; the same for the same two. */
export function withClasses(java: JavaSchema | undefined, others: JavaSchema): JavaSchema {
  if (java === undefined) return others;
  let known = joined.get(others);
  if (known === undefined) {
    known = new WeakMap();
    joined.set(others, known);
  }
  let made = known.get(java);
  if (made === undefined) {
    made = {
      methods: (name) => java.methods(name),
      properties: (name) => java.properties(name) ?? others.properties(name),
      constants: (name) => java.constants(name) ?? others.constants(name),
    };
    known.set(java, made);
  }
  return made;
}
