"""Makes ``twistd cpamp`` known to twistd."""

from twisted.application.service import ServiceMaker

cpamp = ServiceMaker("cpamp", "cpamp.tap", "The Manager Server for CLIProxyAPI.", "cpamp")
