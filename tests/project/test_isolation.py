import os
import socket
import urllib.request

import pytest


def test_no_account_can_be_reached() -> None:
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    assert "AWS_PROFILE" not in os.environ


@pytest.mark.parametrize("host", ["example.org", "192.0.2.1", "2001:db8::1"])
def test_other_machines_are_refused(host: str) -> None:
    with pytest.raises(Exception, match="Tests do not reach"):
        urllib.request.urlopen(f"http://[{host}]/" if ":" in host else f"http://{host}/", timeout=1)


def test_this_machine_is_not_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
