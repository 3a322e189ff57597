// Unpack the packaged Chromium and print where it stands.
import chromium from "@sparticuz/chromium";
console.log(await chromium.executablePath());
