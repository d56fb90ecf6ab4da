// The admin page of the demo's server in headless Chromium: the token lets in, every page fits a phone and the dark, and a
// delivery that is handled again leads to a run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";

const binary = new URL("../../bin/lighterman", import.meta.url).pathname;
const pictures = process.env.PICTURES; // a folder to write pictures of every page to, for people
const paths = ["", "pull", "pull?q=acme%2Fshop%231", "pull?q=acme%2Fnone%239", "jobs", "deliveries", "installations", "sweeps"];

let demo, browser, url, token;

before(async () => {
  demo = spawn(binary, ["demo", "--addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  [url, token] = await new Promise((found, failed) => {
    const lines = createInterface({ input: demo.stdout });
    lines.on("line", (line) => {
      const at = line.match(/(http:\S+\/admin\/) .* token is (\S+)$/);
      if (at) found(at.slice(1));
    });
    demo.on("exit", (code) => failed(new Error(`the demo ended with ${code}`)));
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  demo?.kill("SIGTERM");
});

// signedIn is a page on which the token was typed, and what the console complained of.
async function signedIn(options) {
  const page = await browser.newPage(options);
  const complaints = [];
  page.on("console", (m) => m.type() === "error" && !/favicon|status of 401/.test(m.text()) && complaints.push(m.text()));
  await page.goto(url + "jobs");
  await page.getByLabel(/Token/).fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Jobs" }).waitFor(); // where it was to go
  return { page, complaints };
}

test("the token lets in, for a session that ends", async () => {
  const page = await browser.newPage();
  assert.equal((await page.goto(url)).status(), 401);
  await page.getByLabel(/Token/).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel(/Token/).fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const [cookie] = await page.context().cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict" && cookie.path === "/admin", JSON.stringify(cookie));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
});

test("it tells why, and a delivery is handled again", async () => {
  const { page, complaints } = await signedIn();
  await page.getByRole("link", { name: "Pull request" }).click();
  await page.getByLabel(/owner\/repository/).fill("https://github.com/acme/shop/pull/1/files");
  await page.getByRole("button", { name: "Look it up" }).click();
  await page.getByText("something was written").waitFor();
  const rows = () => page.locator("section", { hasText: "What arrived" }).locator("tbody tr");
  await page.getByRole("link", { name: "Deliveries" }).click();
  const before = await rows().count();
  const again = rows().filter({ hasText: "pull_request opened" }).getByRole("button");
  await again.first().click();
  await page.getByRole("status").waitFor();
  assert.equal(await rows().count(), before + 1);
  assert.ok((await rows().first().innerText()).includes("-again-"));
  await page.getByRole("link", { name: "acme/shop#1" }).first().click();
  const run = async () => (await page.locator("dl.facts").last().innerText()).includes("-again-");
  for (let n = 0; n < 100 && !(await run()); n++) await page.reload();
  assert.ok(await run(), "no run came of it");
  assert.deepEqual(complaints, []);
});

for (const [name, options] of Object.entries({
  light: { viewport: { width: 1200, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 800 }, colorScheme: "dark" },
  "small phone": { viewport: { width: 320, height: 640 }, colorScheme: "light" },
})) {
  test(`every page fits: ${name}`, async () => {
    const { page, complaints } = await signedIn(options);
    for (const path of paths) {
      assert.equal((await page.goto(url + path)).status(), 200, path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      assert.ok(!wide, `${path || "the overview"} scrolls sideways`);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(background, options.colorScheme === "dark" ? "rgb(13, 17, 23)" : "rgb(255, 255, 255)");
      if (pictures) await page.screenshot({ path: `${pictures}/${name}-${path.replace(/\W+/g, "-") || "overview"}.png`, fullPage: true });
    }
    assert.deepEqual(complaints, []);
  });
}
