"""The keelpay client library: create an order, let the user pay, watch the result, refund."""
