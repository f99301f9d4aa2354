import { expect, test } from "vitest";
import { compileJava, printJavaMethod } from "../../../src/codecs/java-schema.ts";
import { streamForms } from "../../../src/codecs/java-streams.ts";
import { printJavaType } from "../../../src/codecs/java-types.ts";

const OBSERVER = "org.apache.dubbo.common.stream.StreamObserver";

function shown(parameterTypes: readonly string[], returnType: string, takesStream: boolean, names?: readonly string[]) {
  const method = { name: "m", parameterTypes, returnType, ...(names && { parameterNames: names }) };
  const java = compileJava({ methods: [method], types: {} });
  return streamForms(java.methods("m"), takesStream).map(
    (form) =>
      `${printJavaMethod(form)} ${printJavaType(form.returns)} ${form.erased.join()} ${form.names?.join() ?? "-"}`,
  );
}

test.each<[string, readonly string[], string, boolean, string[]]>([
  ["one request", ["int", `${OBSERVER}<a.B>`], "void", false, ["m(int) a.B int -"]],
  ["several arguments", ["int", "long", `${OBSERVER}<a.B>`], "void", false, ["m(int, long) a.B int,long -"]],
  ["no argument", [`${OBSERVER}<a.B>`], "void", false, ["m() a.B  -"]],
  ["a stream", [`${OBSERVER}<a.B>`], `${OBSERVER}<a.C[]>`, true, ["m(a.C[]) a.B a.C[] -"]],
  ["types left out", [OBSERVER], OBSERVER, true, ["m(java.lang.Object) java.lang.Object java.lang.Object -"]],
  ["a stream where one request is given", [`${OBSERVER}<a.B>`], `${OBSERVER}<a.C>`, false, []],
  ["one request where a stream is given", ["int", `${OBSERVER}<a.B>`], "void", true, []],
  ["no stream", ["int"], "a.B", false, []],
  ["no stream, for one", ["int"], "a.B", true, []],
])("a method that takes %s", (_name, parameters, returns, takesStream, forms) => {
  expect(shown(parameters, returns, takesStream)).toEqual(forms);
});

test("names of parameters stay, but for the observer's", () => {
  expect(shown(["int", `${OBSERVER}<a.B>`], "void", false, ["count", "out"])).toEqual(["m(int) a.B int count"]);
});
