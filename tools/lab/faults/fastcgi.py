"""Scripts over FastCGI that fail: php-fpm as the upstream."""

from ..case import Fault, case
from . import servers

_SCRIPTS = {
    "dies": "posix_kill(getmypid(), 9);",
    "sleeps": "sleep(5); echo 'late';",
    "cookies": "for ($i = 0; $i < 8; $i++) header(\"Set-Cookie: basket$i=\" . str_repeat('x', 900), false); echo 'done';",
    "busy": "http_response_code(503); echo 'busy';",
    "breaks": "header('Content-Type: text/plain'); echo str_repeat('z', 6000); flush(); usleep(20000); posix_kill(getmypid(), 9);",
}


def _play(s, fault_of, script, **settings):
    scripts = servers.php_fpm(s, 1, 9000, _SCRIPTS)
    up = s.serve()
    shop = s.route(up)
    good = s.route(scripts, protocol="fastcgi", lines=servers.php_lines(s))
    cart = s.route(scripts, protocol="fastcgi", lines=servers.php_lines(s, script))
    s.start(**settings)
    fault = fault_of(scripts)
    s.get(shop)
    s.get(good)
    s.get(cart, fault, client=s.new_client())
    s.post(good)
    s.post(cart, fault, client=s.new_client())
    s.get(good)


@case("fastcgi-empty-response", "worker-killed", "A script kills its php-fpm worker (SIGKILL, as the kernel does out of memory).")
def worker_killed(s):
    _play(s, lambda scripts: Fault("fastcgi-empty-response", scripts, variant="reset"), "dies")


@case("response-timeout", "php-sleeps", "A script of php-fpm takes longer than the gateway's timer.")
def php_sleeps(s):
    _play(s, lambda scripts: Fault("response-timeout", scripts), "sleeps", read_s=2)


@case("header-too-large", "php-cookies", "A script of php-fpm sets 7 kB of cookies.", gateways=("nginx",))
def php_cookies(s):
    _play(s, lambda scripts: Fault("header-too-large", scripts), "cookies")


@case("upstream-error-response", "php-503", "A script of php-fpm answers 503 itself (`Status: 503`).")
def php_503(s):
    _play(s, lambda scripts: Fault("upstream-error-response", scripts, variant="application"), "busy")


@case(
    "truncated-body-reset",
    "php-killed",
    "A php-fpm worker is killed after the head and 6 kB of the body.",
    gateways=("nginx",),
)
def php_killed(s):
    _play(s, lambda scripts: Fault("truncated-body-reset", scripts), "breaks")
