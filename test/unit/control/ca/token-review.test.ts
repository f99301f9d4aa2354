import { expect, test } from "vitest";
import { byTokenReview, readReview, reviewsBy } from "../../../../src/control/ca/token-review.ts";
import { ApiFailure } from "../../../../src/kubernetes/api.ts";

const { signal } = new AbortController();
const good = {
  status: { authenticated: true, audiences: ["istio-ca"], user: { username: "system:serviceaccount:shop:orders" } },
};
const orders = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "orders" };

test("a token that the API confirms proves its service account", async () => {
  const asked: object[] = [];
  const way = byTokenReview(
    async (review) => {
      asked.push(review);
      return good;
    },
    ["istio-ca"],
    "cluster.local",
  );
  expect(await way.authenticate({ address: "", token: "a.b.c" }, signal)).toEqual(orders);
  expect(asked).toEqual([
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "a.b.c", audiences: ["istio-ca"] } },
  ]);
  expect(await way.authenticate({ address: "", token: "no-token-of-kubernetes" }, signal)).toBeUndefined();
  expect(await way.authenticate({ address: "" }, signal)).toBeUndefined();
  expect(asked).toHaveLength(1);
});

const ANSWERS: readonly (readonly [string, unknown])[] = [
  ["nothing", undefined],
  ["no status", {}],
  ["a token that is not confirmed", { status: { ...good.status, authenticated: false } }],
  ["a text for true", { status: { ...good.status, authenticated: "true" } }],
  ["another audience", { status: { ...good.status, audiences: ["api"] } }],
  ["an API that does not know audiences", { status: { ...good.status, audiences: undefined } }],
  ["a person", { status: { ...good.status, user: { username: "admin" } } }],
];

test.each(ANSWERS)("%s proves nobody", (_, answer) => {
  expect(readReview(answer, ["istio-ca"], "cluster.local")).toBeUndefined();
});

test("a review is sent to the API; what it refuses is told without what was sent", async () => {
  const sent: string[] = [];
  const ask = reviewsBy({
    async send(method, path, body) {
      sent.push(`${method} ${path} ${JSON.stringify(body)}`);
      if (sent.length > 1) throw new ApiFailure(path, 500, "a.b.c is bad");
      return good;
    },
  });
  expect(await ask({ of: "x" }, signal)).toBe(good);
  expect(sent).toEqual(['POST /apis/authentication.k8s.io/v1/tokenreviews {"of":"x"}']);
  await expect(ask({ of: "x" }, signal)).rejects.toThrow(/^tokens can't be reviewed: the API answered with 500$/);
});
