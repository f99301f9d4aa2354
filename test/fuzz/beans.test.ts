import { expect, test } from "vitest";
import { ProtocolError } from "../../src/base/errors.ts";
import { BEAN_DESCRIPTOR, fromBeanForm, toBeanForm } from "../../src/codecs/bean-form.ts";
import type { JavaMethodForm } from "../../src/codecs/java-schema.ts";
import { streamForms } from "../../src/codecs/java-streams.ts";
import type { JavaType } from "../../src/codecs/java-types.ts";
import { doubleValue, listValue, mapValue, objectValue, type Value } from "../../src/codecs/value.ts";
import fc from "../support/fast-check.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 300);

/** Runs; anything but an ordinary end or a ProtocolError with a text fails the test. */
function onlyRefusals(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect(error.message).not.toBe("");
  }
}

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(null, true, "", "value", "name", "PAID", "int", "[I", "[Lcom.acme.A;", "java.util.ArrayList"),
  fc.integer({ min: -2, max: 9 }),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.double().map(doubleValue),
  fc.uint8Array({ maxLength: 4 }),
);
const { tree } = fc.letrec<{ tree: Value }>((tie) => {
  const entries = fc.array(fc.tuple(tie("tree"), tie("tree")), { maxLength: 3 });
  return {
    tree: fc.oneof(
      { maxDepth: 5 },
      scalar,
      fc.array(tie("tree"), { maxLength: 3 }).map((items) => listValue(items)),
      entries.map((pairs) => mapValue(pairs)),
      fc
        .array(fc.tuple(fc.constantFrom("name", "id", "value"), tie("tree")), { maxLength: 3 })
        .map((fields) => objectValue("com.acme.Order", fields)),
      fc
        .tuple(tie("tree"), fc.oneof(fc.integer({ min: 0, max: 8 }), scalar), fc.oneof(entries.map(mapValueOf), scalar))
        .map(([className, type, properties]) =>
          objectValue(BEAN_DESCRIPTOR, [
            ["className", className],
            ["type", type],
            ["properties", properties],
          ]),
        ),
    ),
  };
});

function mapValueOf(pairs: [Value, Value][]): Value {
  return mapValue(pairs);
}

test("any tree, of descriptors or not, is values or refused; any value is a tree of descriptors that is read again", () => {
  fc.assert(
    fc.property(tree, (value) => {
      onlyRefusals(() => void fromBeanForm(value));
      onlyRefusals(() => void fromBeanForm(toBeanForm(value)));
    }),
    { numRuns: RUNS * 5 },
  );
});

const typeName = fc.constantFrom("int", "", ".StreamObserver", "org.apache.dubbo.common.stream.StreamObserver", "a.B");
const typeOf = (args: fc.Arbitrary<JavaType[]>): fc.Arbitrary<JavaType> => fc.record({ name: typeName, args });
const type = typeOf(fc.array(typeOf(fc.constant([])), { maxLength: 2 }));
const method: fc.Arbitrary<JavaMethodForm> = fc.array(type, { maxLength: 4 }).chain((parameters) =>
  fc.record({
    name: fc.constant("m"),
    parameters: fc.constant(parameters),
    erased: fc.constant(parameters.map(({ name }) => name)),
    names: fc.constantFrom(
      undefined,
      parameters.map((_, i) => `p${i}`),
    ),
    returns: type,
  }),
);

test("any methods of Java's are streams of one message each way, or none", () => {
  fc.assert(
    fc.property(fc.array(method, { maxLength: 4 }), fc.boolean(), (overloads, takesStream) => {
      const made = streamForms(overloads, takesStream);
      expect(made.length).toBeLessThanOrEqual(overloads.length);
      for (const { parameters, erased, names } of made) {
        expect(erased).toHaveLength(parameters.length);
        if (names !== undefined) expect(names).toHaveLength(parameters.length);
        if (takesStream) expect(parameters).toHaveLength(1);
      }
    }),
    { numRuns: RUNS * 5 },
  );
});
