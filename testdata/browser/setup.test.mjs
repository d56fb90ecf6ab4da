// The set-up page in headless Chromium: what the browser really sends to GitHub when the form goes there, and that the
// page fits a phone and the dark.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";

const binary = new URL("../../bin/lighterman", import.meta.url).pathname;

let server, browser, url, github, folder;
const posts = []; // what GitHub was sent

before(async () => {
  github = createServer(async (req, res) => {
    let body = "";
    for await (const part of req) body += part;
    posts.push({ method: req.method, url: req.url, headers: req.headers, body: new URLSearchParams(body) });
    res.setHeader("Content-Type", "text/html").end("<title>GitHub</title>");
  });
  await new Promise((listening) => github.listen(0, "127.0.0.1", listening));
  folder = mkdtempSync(join(tmpdir(), "lighterman-"));
  const args = ["serve", "--addr", "127.0.0.1:0", "--data-dir", folder,
    "--github-url", `http://127.0.0.1:${github.address().port}`];
  server = spawn(binary, args, { stdio: ["ignore", "inherit", "pipe"] });
  url = await new Promise((found, failed) => {
    const lines = createInterface({ input: server.stderr });
    lines.on("line", (line) => {
      const at = line.match(/^  (http:\/\/\S+\/setup\?token=\S+)$/);
      if (at) found(at[1]);
    });
    server.on("exit", (code) => failed(new Error(`the server ended with ${code}`)));
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
  github?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test("the form goes to GitHub with the manifest that was chosen, and without the token", async () => {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
  await page.goto(url);
  assert.equal(await page.locator("form[method=post]").count(), 0, "no form before there is an address");
  await page.getByLabel(/reaches this server/).fill("https://lighterman.example.com");
  await page.getByLabel(/Organisation/).fill("acme");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel(/Review only/).check();
  await page.getByRole("button", { name: /Register on .* for acme/ }).click();
  await page.waitForFunction(() => document.title === "GitHub");

  const post = posts.find((p) => p.method === "POST");
  const origin = new URL(url).origin;
  assert.match(post.url, /^\/organizations\/acme\/settings\/apps\/new\?state=[A-Z0-9]{40,}$/);
  const manifest = JSON.parse(post.body.get("manifest"));
  assert.equal(manifest.hook_attributes.url, "https://lighterman.example.com/webhook");
  assert.equal(manifest.redirect_url, `${origin}/setup/done`);
  assert.equal(manifest.default_permissions.contents, "read");
  assert.equal(post.headers.origin, origin);
  const token = new URL(url).searchParams.get("token");
  assert.ok(!JSON.stringify([...posts.map((p) => [p.url, p.headers, [...p.body]])]).includes(token), "the token got out");
  assert.deepEqual(complaints.filter((c) => !c.includes("favicon")), []);
});

test("the page fits a phone and the dark", async () => {
  const page = await browser.newPage({ viewport: { width: 360, height: 700 }, colorScheme: "dark" });
  await page.goto(`${url}&url=https%3A%2F%2F${"a-long-name.".repeat(6)}example.com`);
  assert.equal(await page.locator("form[method=post]").count(), 1);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.ok(!wide, "the page scrolls sideways on a phone");
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(background, "rgb(13, 17, 23)");
});
