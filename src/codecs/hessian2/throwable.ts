/**
 * Java exceptions over the value tree. On the wire an exception is an object with the fields of java.lang.Throwable
 * (`detailMessage`, `cause`, `stackTrace`, `suppressedExceptions`, whatever the JDK has) beside its own; an exception
 * without a cause refers to itself there, as Java initialises it.
 */
import { fieldOf, isContainer, isObject, type ObjectValue, objectValue, type Value } from "../value.ts";

/** An exception as a person or another protocol wants it. */
export interface ThrowableView {
  readonly exceptionClass: string;
  readonly message: string | null;
  /** The cause; null for none, and for the reference to itself that means none. */
  readonly cause: ObjectValue | null;
  /** `com.acme.Shop.buy(Shop.java:12)`, innermost first, as many as were asked for. */
  readonly stackTrace: readonly string[];
  /** The fields of the exception's own class and its other superclasses. */
  readonly fields: ReadonlyMap<string, Value>;
}

const THROWABLE_FIELDS = new Set([
  "suppressedExceptions",
  "suppressed",
  "stackTrace",
  "cause",
  "detailMessage",
  "depth",
]);

/** Whether an object is an exception: it has Throwable's message field, and its stack trace or a name that says so. */
export function isThrowable(value: Value): value is ObjectValue {
  if (!isObject(value)) return false;
  const { fields, name } = value.shape;
  if (!fields.includes("detailMessage")) return false;
  return fields.includes("stackTrace") || fields.includes("cause") || /(?:Exception|Error|Throwable)$/.test(name);
}

/** Reads an exception's parts; at most `maxFrames` lines of its stack trace. */
export function throwableView(object: ObjectValue, maxFrames = 1024): ThrowableView {
  const message = fieldOf(object, "detailMessage");
  const cause = fieldOf(object, "cause");
  const frames = fieldOf(object, "stackTrace");
  const stackTrace: string[] = [];
  if (frames !== undefined && isContainer(frames) && frames.type === "list") {
    for (const frame of frames.items.slice(0, maxFrames)) if (isObject(frame)) stackTrace.push(frameText(frame));
  }
  const fields = new Map<string, Value>();
  for (const [i, name] of object.shape.fields.entries()) {
    if (!THROWABLE_FIELDS.has(name)) fields.set(name, object.values[i]!);
  }
  return {
    exceptionClass: object.shape.name,
    message: typeof message === "string" ? message : null,
    cause: cause !== undefined && cause !== object && isObject(cause) ? cause : null,
    stackTrace,
    fields,
  };
}

/** A java.lang.StackTraceElement as Java prints it, without its module. */
function frameText(frame: ObjectValue): string {
  const text = (field: string): string | undefined => {
    const value = fieldOf(frame, field);
    return typeof value === "string" ? value : undefined;
  };
  const line = fieldOf(frame, "lineNumber");
  const at = text("fileName") ?? "Unknown Source";
  const place = line === -2 ? "Native Method" : typeof line === "number" && line >= 0 ? `${at}:${line}` : at;
  return `${text("declaringClass") ?? "?"}.${text("methodName") ?? "?"}(${place})`;
}

/**
 * The smallest exception that hessian-lite 3.2 and 4.0 make a Throwable of: its class and its message alone. Callers of
 * every Dubbo line know java.lang.RuntimeException; of a class that is missing there Java makes a map, and the caller then
 * sees "expect Throwable".
 */
export function exceptionValue(message: string | null, className = "java.lang.RuntimeException"): ObjectValue {
  return objectValue(className, [["detailMessage", message]]);
}
