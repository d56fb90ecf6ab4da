// The demo's page in headless Chromium: the review stands on the diff, and one click on a suggestion becomes a commit, a
// webhook, another review, and a resolved thread.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";

const binary = new URL("../../bin/lighterman", import.meta.url).pathname;
const picture = process.env.PICTURE; // where to write the README's picture

let demo, browser, url;

before(async () => {
  demo = spawn(binary, ["demo", "--addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  url = await new Promise((found, failed) => {
    const lines = createInterface({ input: demo.stdout });
    lines.on("line", (line) => {
      const at = line.match(/(http:\/\/127\.0\.0\.1:\d+\/)\s*$/);
      if (at && line.includes("page")) found(at[1]);
    });
    demo.on("exit", (code) => failed(new Error(`the demo ended with ${code}`)));
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  demo?.kill("SIGTERM");
});

test("the review stands on the diff, and a committed suggestion resolves its thread", async () => {
  const page = await browser.newPage({ viewport: { width: 1000, height: 1400 } });
  const complaints = [];
  page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
  await page.goto(url);
  const threads = await page.locator("article.thread").count();
  const buttons = await page.locator("button", { hasText: "Commit suggestion" }).count();
  assert.ok(threads >= 5, `${threads} threads`);
  assert.ok(buttons >= 3, `${buttons} suggestions`);
  assert.equal(await page.locator("article.thread.resolved").count(), 0);
  if (picture) await page.screenshot({ path: picture, clip: { x: 0, y: 0, width: 1000, height: 1100 } });

  const first = page.locator("article.thread", { has: page.locator("button") }).first();
  const id = await first.getAttribute("data-thread");
  const added = await first.locator(".suggestion .add").allInnerTexts();
  await first.locator("button").click();
  await page.waitForLoadState();
  await page.locator(`article.thread.resolved[data-thread="${id}"]`).waitFor();
  const code = await page.locator("tr:not(.talk) td.code").allInnerTexts();
  for (const line of added) {
    const words = line.replace(/^\+ /, "").trim();
    assert.ok(code.some((c) => c.includes(words)), `the diff now shows ${words}`);
  }
  assert.equal(await page.locator("article.thread").count(), threads, "nothing was posted twice");
  assert.deepEqual(complaints, []);
});

test("the page fits a phone and the dark", async () => {
  const page = await browser.newPage({ viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  await page.goto(url);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.ok(!wide, "the page scrolls sideways on a phone");
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background, "rgb(13, 17, 23)");
});
