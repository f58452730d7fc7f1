"""What a client's handlers of messages have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flwr.app import Context, Error, Message
from flwr.common.constant import ErrorCode

from federated import privacy

Handler = Callable[[Message, Context], Message]


def nameless(handler: Handler) -> Handler:
    """What goes wrong leaves the device as one of a few words (`privacy.ERRORS`).

    Flower would send the error's own words, and those can quote a text.
    """

    @wraps(handler)
    def safe(message: Message, context: Context) -> Message:
        try:
            return handler(message, context)
        except Exception as error:
            code = ErrorCode.CLIENT_APP_RAISED_EXCEPTION
            return Message(Error(code=code, reason=privacy.kind_of(error)), reply_to=message)

    return safe
