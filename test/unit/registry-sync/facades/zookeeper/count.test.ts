import { expect, test } from "vitest";
import { ERRORS } from "../../../../../src/codecs/zookeeper/constants.ts";
import { FacadeLink, PROVIDERS, providerName } from "../../../../support/facade-link.ts";

test("the number of nodes below a directory is the number shown", () => {
  const link = new FacadeLink();
  const direct = link.connect("direct").layOut();
  for (let host = 2; host < 7; host++) direct.create(`${PROVIDERS}/${providerName(`10.0.0.${host}`)}`);
  const client = link.connect("facade");
  const request = { op: "getAllChildrenNumber", path: PROVIDERS } as const;
  expect(direct.call(request).reply).toMatchObject({ count: 5 });
  expect(client.call(request).reply).toMatchObject({ count: 2 });
});

test("of a missing directory there is none", () => {
  const client = new FacadeLink().connect("facade");
  const { err } = client.call({ op: "getAllChildrenNumber", path: "/dubbo/com.acme.None/providers" });
  expect(err).toBe(ERRORS.noNode);
});

test("elsewhere the server counts", () => {
  const link = new FacadeLink();
  const direct = link.connect("direct").layOut();
  const client = link.connect("facade");
  const request = { op: "getAllChildrenNumber", path: "/services" } as const;
  expect(client.call(request).reply).toEqual(direct.call(request).reply);
});
