import { expect, test } from "vitest";
import { authorityOf, isDnsName, isIpAddress, printAddress, socketPlace } from "../../../src/base/address.ts";

test.each([
  ["10.0.0.1", "10.0.0.1:80"],
  ["orders.example.com", "orders.example.com:80"],
  ["fd00::1", "[fd00::1]:80"],
  ["unix:///run/orders.sock", "unix:///run/orders.sock"],
])("%s is printed as %s", (host, text) => {
  expect(printAddress(host, 80)).toBe(text);
});

test.each([
  ["10.0.0.1", true],
  ["::1", true],
  ["fe80::1", true],
  ["orders.example.com", false],
  ["localhost", false],
  ["unix:///run/orders.sock", false],
])("%s is an address: %s", (text, is) => {
  expect(isIpAddress(text)).toBe(is);
  expect(isDnsName(text)).toBe(!is && !text.startsWith("unix:"));
});

test.each([
  ["10.0.0.1", { host: "10.0.0.1", port: 80 }],
  ["unix:///run/orders.sock", { path: "/run/orders.sock" }],
  ["unix://@orders", { path: "\0orders" }],
])("a socket connects to %s at %j", (address, place) => {
  expect(socketPlace(address, 80)).toEqual(place);
});

test.each([
  ["10.0.0.1", "10.0.0.1:80"],
  ["::1", "[::1]:80"],
  ["unix:///run/orders.sock", "localhost"],
])("a request to %s names %s", (address, authority) => {
  expect(authorityOf(address, 80)).toBe(authority);
});
