/**
 * Java's stream methods, as methods of one message each way.
 *
 * | Java | a request message holds | an answer message holds |
 * |---|---|---|
 * | `void m(A, B, StreamObserver<T>)` | A and B | a T |
 * | `StreamObserver<R> m(StreamObserver<T>)` | an R | a T |
 *
 * Reference: ReflectionMethodDescriptor and ReflectionPackableMethod of Apache Dubbo 3.3. gRPC's client streams are of the second kind there.
 */
import { erasedName, type JavaMethodForm } from "./java-schema.ts";
import { type JavaType, OBJECT_TYPE } from "./java-types.ts";

/** The overloads that are streams: with `takesStream` those that are given messages, else those that are given one request. */
export function streamForms(overloads: readonly JavaMethodForm[], takesStream: boolean): JavaMethodForm[] {
  return overloads.flatMap((form) => {
    const made = takesStream ? streamTaker(form) : streamGiver(form);
    return made === undefined ? [] : [made];
  });
}

function streamTaker(form: JavaMethodForm): JavaMethodForm | undefined {
  const { parameters, returns } = form;
  const [out] = parameters;
  if (parameters.length !== 1 || out === undefined || !isObserver(out) || !isObserver(returns)) return undefined;
  const request = messageOf(returns);
  return {
    name: form.name,
    parameters: [request],
    erased: [erasedName(request)],
    names: undefined,
    returns: messageOf(out),
  };
}

function streamGiver(form: JavaMethodForm): JavaMethodForm | undefined {
  const { parameters, names } = form;
  const out = parameters.at(-1);
  if (out === undefined || !isObserver(out) || isObserver(form.returns)) return undefined;
  return {
    name: form.name,
    parameters: parameters.slice(0, -1),
    erased: form.erased.slice(0, -1),
    names: names?.slice(0, -1),
    returns: messageOf(out),
  };
}

function isObserver({ name }: JavaType): boolean {
  return name.endsWith(".StreamObserver");
}

function messageOf({ args }: JavaType): JavaType {
  return args[0] ?? OBJECT_TYPE;
}
