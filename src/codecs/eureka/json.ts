/*
 * Eureka's JSON, as servers (Spring Cloud Netflix 2025.0.0) and clients write it.
 *
 * {"applications":{"versions__delta":"1","apps__hashcode":"UP_1_","application":[{"name":"A","instance":[{...}]}]}}
 * {"application":{"name":"A","instance":[{...}]}}
 * {"instance":{...}}
 *
 * Some encoders write one object where a list of one belongs. Netflix/eureka eureka-client/…/converters/jackson.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { EurekaDocument, RawApplication, RawInstance } from "./document.ts";

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a document. Throws `ProtocolError` for text that is no JSON, or none of Eureka's. */
export function parseEurekaJson(text: string): EurekaDocument {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError("eureka", `eureka answer is no json: ${(error as Error).message.slice(0, 120)}`);
  }
  if (isObject(root)) {
    const { applications, application, instance } = root;
    if (isObject(applications)) {
      const { versions__delta: version, apps__hashcode: hashcode } = applications;
      return {
        kind: "applications",
        version: typeof version === "string" || typeof version === "number" ? `${version}` : "",
        hashcode: typeof hashcode === "string" ? hashcode : undefined,
        applications: listOf(applications["application"], "application").map(applicationOf),
      };
    }
    if (isObject(application)) return { kind: "application", application: applicationOf(application) };
    if (isObject(instance)) return { kind: "instance", instance };
  }
  throw new ProtocolError("eureka", "eureka answer has no applications, application or instance");
}

/** Writes a document with all lists as lists, as servers do. */
export function printEurekaJson(document: EurekaDocument): string {
  switch (document.kind) {
    case "applications":
      return JSON.stringify({
        applications: {
          versions__delta: document.version,
          ...(document.hashcode !== undefined && { apps__hashcode: document.hashcode }),
          application: document.applications.map(applicationForm),
        },
      });
    case "application":
      return JSON.stringify({ application: applicationForm(document.application) });
    case "instance":
      return JSON.stringify({ instance: document.instance });
    default:
      return document satisfies never;
  }
}

function applicationForm({ name, instances }: RawApplication): object {
  return { name, instance: instances };
}

function applicationOf(value: unknown): RawApplication {
  if (!isObject(value)) throw new ProtocolError("eureka", "eureka application is no object");
  const { name, instance } = value;
  if (typeof name !== "string" || name === "") throw new ProtocolError("eureka", "eureka application has no name");
  return { name: name.toUpperCase(), instances: listOf(instance, "instance").filter(isInstance) };
}

function isInstance(value: unknown): value is RawInstance {
  if (isObject(value)) return true;
  throw new ProtocolError("eureka", "eureka instance is no object");
}

/** A list, one thing in the place of a list of one, or nothing. */
function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  if (isObject(value)) return [value];
  throw new ProtocolError("eureka", `eureka "${name}" is no list`);
}
