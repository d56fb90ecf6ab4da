import mail from "nodemailer";
Deno.cron("digest", "0 7 * * *", () => console.log(mail));
