import { expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { ParameterValidator } from "../../broker/parameter-validator.ts";
import { itemCheck } from "../../core/item-check.ts";
import { code, line, optional } from "../../core/validation.ts";

const broker = new ServiceBroker({ logger: false, validator: new ParameterValidator() });
const checkLine = itemCheck(broker, { value: line(1, 20) });
const checkCode = itemCheck(broker, { value: code(1, 20) });
const checkRemovable = itemCheck(broker, { value: optional({ ...code(1, 20), empty: true }) });

const rejected = (message: string) => ({ type: "BAD_USER_INPUT", message });

test.each(["Mug", " Mug ", "Tasse \u00e0 caf\u00e9", "\u0915\u200D\u0937", "a\u2003b"])(
  "the rule line() accepts %j",
  (value) => {
    expect(checkLine({ value })).toEqual({ value });
  },
);

test.each(["a\nb", "a\r\nb", "a\tb", "a\u2028b", "a\u2029b", "Mug\n"])(
  "the rule line() rejects %j",
  (value) => {
    expect(checkLine({ value })).toMatchObject(rejected("'value' must be one line, without tabs."));
  },
);

test.each(["A1", "a", "A 1", "AB-12/3 \u00fc", "\u{1F600}", "<x>"])(
  "the rule code() accepts %j",
  (value) => {
    expect(checkCode({ value })).toEqual({ value });
  },
);

test.each([
  " A1",
  "A1 ",
  "A  1",
  "A\n1",
  "A\t1",
  "A1\n",
  "A\u00a01",
  "A\u20031",
  "A\u20281",
  "A\u200b1",
  "\u2060A1",
  "A1\ufe0f",
  "A\u00ad1",
  "A\u28001",
  "A\u31641",
  "A\u200e1",
])("the rule code() rejects %j", (value) => {
  expect(checkCode({ value })).toMatchObject(
    rejected(
      "'value' must consist of visible characters, with single spaces between them and none outside.",
    ),
  );
});

test("both rules have the faults of text(), each once", () => {
  for (const check of [checkLine, checkCode]) {
    expect(check({ value: "" })).toMatchObject(rejected("'value' must not be empty."));
    expect(check({ value: "a\u0000\n" })).toMatchObject(
      rejected("'value' contains characters that cannot be stored."),
    );
    expect(check({ value: "a\u202eb\n" })).toMatchObject(
      rejected("'value' contains characters that turn the direction of the text around them."),
    );
    expect(check({ value: "\uFEFFe\u0301" })).toEqual({ value: "\u00e9" });
  }
  expect(checkRemovable({ value: "" })).toEqual({ value: "" });
});
