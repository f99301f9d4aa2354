import { expect, test } from "vitest";
import { viewExplanation } from "../../../../src/control/admin/explain-view.ts";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { adminSnapshot } from "../../../support/admin-sources.ts";

const resources = compile(adminSnapshot, { id: "w", dubbo: [{ address: "10.0.0.5", port: 20880 }] });
const view = (query: string) => viewExplanation(resources, new URLSearchParams(query));

test("a query names service, method and headers", () => {
  expect(view("service=com.acme.OrderService&method=get&version=1.0.0&header=a=b=c")).toMatchObject({
    service: "com.acme.OrderService:1.0.0",
    path: "/com.acme.OrderService/get",
  });
});

test.each([
  ["service=a", 400, "say ?service= and &method=, or ?url="],
  ["service=a&method=b&header=c", 400, 'header "c" is not name=value'],
  ["service=a&method=b&principal=web", 400, 'principal "web" is not TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT or none'],
  ["service=a&method=b&caller=web", 400, 'caller "web" is no IP address'],
  ["service=a&method=b&claims=[]", 400, 'claims are no JSON object, such as {"group": "admin"}'],
  ["service=a&method=b&claims={", 400, 'claims are no JSON object, such as {"group": "admin"}'],
  ["service=a&method=b&claims={}", 404, "no service a is known; see trestle services"],
  ["service=a&method=b", 404, "no service a is known; see trestle services"],
])("%s is answered %i", (query, status, error) => {
  expect(view(query)).toEqual({ status, error });
});

test("before the first resources there is nothing to say", () => {
  expect(viewExplanation(undefined, new URLSearchParams("service=a&method=b"))).toMatchObject({ status: 503 });
});

test.each(["none", "td/ns/shop/sa/web", "spiffe://td/ns/shop/sa/web"])("a principal is %s", (principal) => {
  expect(view(`service=com.acme.OrderService&method=get&principal=${principal}`)).toMatchObject({
    authorization: [{ side: "outbound", for: "com.acme.orderservice-1-0-0", decision: "allowed" }],
  });
});
