import { expect, test } from "vitest";
import { ApiFailure, type KubernetesApi } from "../../../src/kubernetes/api.ts";
import { renewingApi } from "../../../src/kubernetes/renewing-api.ts";

const signal = new AbortController().signal;

/** Each opening has the next of these tokens; the server takes the last alone, and answers others with `status`. */
function serverThatTakes(tokens: readonly string[], status: number) {
  let opened = 0;
  const open = async (): Promise<KubernetesApi> => {
    const token = tokens[opened++];
    if (token === undefined) throw new Error("no kubeconfig");
    const answer = (path: string): unknown => {
      if (token !== tokens.at(-1)) throw new ApiFailure(path, status, "");
      return { token };
    };
    return {
      get: async (path) => answer(path),
      send: async (_, path) => answer(path),
      async *lines(path) {
        yield answer(path);
      },
    };
  };
  return { api: renewingApi(open), opened: () => opened };
}

async function firstLine(api: KubernetesApi): Promise<unknown> {
  for await (const line of api.lines("/w", signal)) return line;
  return undefined;
}

test("a list that was answered 401 is asked for next with what the files hold by then", async () => {
  const { api, opened } = serverThatTakes(["old", "new"], 401);
  await expect(api.get("/x", signal)).rejects.toThrow("/x was answered 401");
  expect(await api.get("/x", signal)).toEqual({ token: "new" });
  expect(await firstLine(api)).toEqual({ token: "new" });
  expect(opened()).toBe(2);
});

test("so is what is sent", async () => {
  const { api } = serverThatTakes(["old", "new"], 401);
  await expect(api.send("PATCH", "/x", {}, signal)).rejects.toThrow("401");
  expect(await api.send("PATCH", "/x", {}, signal)).toEqual({ token: "new" });
});

test("so is a watch", async () => {
  const { api } = serverThatTakes(["old", "new"], 401);
  await expect(firstLine(api)).rejects.toThrow("401");
  expect(await firstLine(api)).toEqual({ token: "new" });
});

test("any other failure opens nothing anew", async () => {
  const { api, opened } = serverThatTakes(["old", "new"], 403);
  await expect(api.get("/x", signal)).rejects.toThrow("403");
  await expect(api.get("/x", signal)).rejects.toThrow("403");
  expect(opened()).toBe(1);
});

test("an opening that fails is told, and tried again", async () => {
  let tries = 0;
  const api = renewingApi(async () => {
    tries++;
    throw new Error("no kubeconfig");
  });
  await expect(api.get("/x", signal)).rejects.toThrow("no kubeconfig");
  await expect(firstLine(api)).rejects.toThrow("no kubeconfig");
  expect(tries).toBe(2);
});
