"""Two pages, one of them broken."""

import logging

from django.http import HttpRequest, JsonResponse
from django.urls import path

log = logging.getLogger("shop")


def order(_: HttpRequest, number: int) -> JsonResponse:
    """One order, of a hundred: Django itself reports what goes wrong with order 0."""
    log.info("order %d asked for", number, extra={"order.id": number})
    return JsonResponse({"order": number, "left": 100 % number})


urlpatterns = [path("orders/<int:number>", order)]
