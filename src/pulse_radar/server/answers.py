"""What the routes answer in common: an error with a code, and who may read an answer."""

from fastapi.responses import JSONResponse

__all__ = ["refusal", "shared_with", "unauthenticated"]


def refusal(status: int, code: str, message: str, **more: str) -> JSONResponse:
    """An error as all of our routes say it: a code for programs, and for people what to do."""
    return JSONResponse({"error": {"code": code, "message": message, **more}}, status)


def unauthenticated() -> JSONResponse:
    """401, and how to show who one is."""
    response = refusal(401, "unauthenticated", "send the token: Authorization: Bearer …")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def shared_with(origin: str | None) -> dict[str, str]:
    """What lets a page of this origin read an answer: it was found to be the same, or an allowed one."""
    if origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }
