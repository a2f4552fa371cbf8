import { expect, test } from "@jest/globals";
import { clientNameOf } from "../../web/console/src/account/client-name.ts";

const webKit = "AppleWebKit/537.36 (KHTML, like Gecko)";
const onLinux = `Mozilla/5.0 (X11; Linux x86_64) ${webKit}`;
const onWindows = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit}`;
const onAndroid = `Mozilla/5.0 (Linux; Android 10; K) ${webKit}`;
const onIphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const onMac =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";

test.each([
  [`${onLinux} Chrome/140.0.0.0 Safari/537.36`, "Chrome", "Linux"],
  [`${onLinux} HeadlessChrome/140.0.0.0 Safari/537.36`, "Chrome", "Linux"],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webKit} Chrome/140.0.0.0`, "Chrome", "ChromeOS"],
  [`${onWindows} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`, "Edge", "Windows"],
  [`${onWindows} Chrome/140.0.0.0 Safari/537.36 OPR/122.0.0.0`, "Opera", "Windows"],
  [`${onAndroid} Chrome/140.0.0.0 Mobile Safari/537.36`, "Chrome", "Android"],
  [
    `${onAndroid} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    "Samsung Internet",
    "Android",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Firefox",
    "Windows",
  ],
  [`${onIphone} Version/18.5 Mobile/15E148 Safari/604.1`, "Safari", "iPhone"],
  [`${onIphone} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1`, "Chrome", "iPhone"],
  [`${onIphone} FxiOS/143.0 Mobile/15E148 Safari/605.1.15`, "Firefox", "iPhone"],
  [`${onMac} Version/18.5 Safari/605.1.15`, "Safari", "macOS"],
  ["curl/8.5.0", "curl", undefined],
  ["node", "node", undefined],
  ["Mozilla/5.0 (compatible; another)", undefined, undefined],
  ["", undefined, undefined],
])("the client of %j is %s on %s", (userAgent, browser, system) => {
  expect(clientNameOf(userAgent)).toEqual({ browser, system });
});
