"""A mail server for the tests: aiosmtpd, told by its arguments how to behave.

Prints its port, then serves until its standard input ends. Every mail that it takes is appended to
a file as one line of JSON, before the client is answered.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", required=True)
    parser.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--password")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--after-data", choices=["cut", "silence", "reject"])
    return parser.parse_args()


class Handler:
    def __init__(self, options):
        self.options = options

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        after = self.options.after_data
        if after == "reject":
            return "554 5.7.1 looks like spam"
        if after == "silence":
            await asyncio.sleep(3600)
        if after == "cut":
            server.transport.abort()
            await asyncio.sleep(3600)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail = {
            "mailFrom": envelope.mail_from,
            "rcptTo": envelope.rcpt_tos,
            "tls": session.ssl is not None or self.options.tls == "implicit",
            "mechanism": getattr(session, "mechanism", None),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "body": message.get_content().replace("\r\n", "\n"),
            "raw": envelope.content.decode("ascii", "backslashreplace"),
        }
        with open(self.options.mails, "a", encoding="utf-8") as mails:
            mails.write(json.dumps(mail) + "\n")
        return "250 2.0.0 OK queued"


def authenticator(password):
    def check(server, session, envelope, mechanism, login):
        session.mechanism = mechanism
        fits = login.login == b"aura@dwp.example" and login.password == password.encode()
        return AuthResult(success=fits, handled=fits)

    return check


async def serve(options):
    context = None
    if options.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)
    more = {}
    if options.password:
        more = {
            "authenticator": authenticator(options.password),
            "auth_required": True,
            "auth_require_tls": options.tls == "starttls",
            "auth_exclude_mechanism": options.without,
        }

    def factory():
        return SMTP(
            Handler(options),
            hostname="mail.test",
            tls_context=context if options.tls == "starttls" else None,
            **more,
        )

    implicit = context if options.tls == "implicit" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with the test, however that ends.
    await loop.run_in_executor(None, sys.stdin.read)


options = arguments()
try:
    asyncio.run(serve(options))
except (KeyboardInterrupt, asyncio.CancelledError):
    pass
