import { expect, test } from "vitest";
import { viewExplanation } from "../../../../src/control/admin/explain-view.ts";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { adminSnapshot } from "../../../support/admin-sources.ts";

const resources = compile(adminSnapshot, { id: "w", dubbo: [{ address: "10.0.0.5", port: 20880 }] });
const sources = { resources: () => resources, snapshot: () => adminSnapshot };
const view = (query: string) => viewExplanation(sources, new URLSearchParams(query));

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
  ["service=a&method=b&from=A", 400, 'from "A" is not NAMESPACE or NAMESPACE/label=value,label=value'],
  ["service=a&method=b&from=a/b", 400, 'from "a/b" is not NAMESPACE or NAMESPACE/label=value,label=value'],
  ["service=a&method=b&from=a", 400, "this instance serves no proxies elsewhere: ask the control server with from"],
  ["url=ftp://a", 400, expect.stringContaining("is not as http://HOST/PATH")],
  ["url=https://a", 400, "callers in the mesh come by http://; say gateway or port for others"],
  ["url=http://a&port=x", 400, 'port "x" is no port'],
  ["url=http://a&port=8080", 404, expect.stringContaining("no gateway is open here")],
  ["url=http://a", 404, expect.stringContaining('no service of the mesh has the host "a"')],
  ["service=a&method=b", 404, "no service a is known; see trestle services"],
])("%s is answered %i", (query, status, error) => {
  expect(view(query)).toEqual({ status, error });
});

test("before the first resources there is nothing to say", () => {
  const none = { ...sources, resources: () => undefined };
  expect(viewExplanation(none, new URLSearchParams("service=a&method=b"))).toMatchObject({ status: 503 });
});

test("a proxy elsewhere is asked for by its namespace and labels", () => {
  const seenFrom = (place: { readonly namespace: string; readonly labels: object }) => {
    expect(place).toEqual({ namespace: "web", labels: { app: "cart", v: "2" } });
    return resources;
  };
  const query = new URLSearchParams("service=com.acme.OrderService&method=get&from=web/app=cart,v=2");
  expect(viewExplanation({ ...sources, seenFrom }, query)).toMatchObject({
    from: "a proxy of namespace web beside a workload with app=cart, v=2",
  });
});

test.each(["none", "td/ns/shop/sa/web", "spiffe://td/ns/shop/sa/web"])("a principal is %s", (principal) => {
  expect(view(`service=com.acme.OrderService&method=get&principal=${principal}`)).toMatchObject({
    authorization: [{ side: "outbound", for: "com.acme.orderservice-1-0-0", decision: "allowed" }],
  });
});
