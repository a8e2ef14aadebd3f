"""The types that ``py.typed`` promises: every public function and method is hinted."""

import importlib
import inspect
import pkgutil

import pytest

import puclassify


def public_functions():
    packages = ["puclassify"] + [
        f"puclassify.{module.name}"
        for module in pkgutil.iter_modules(puclassify.__path__)
        if not module.name.startswith("_")
    ]
    for package in [*packages, "puclassify.losses.functional"]:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            member = getattr(module, name)
            if inspect.isfunction(member):
                yield f"{package}.{name}", member
            elif inspect.isclass(member) and member.__module__.startswith("puclassify"):
                for method, function in vars(member).items():
                    function = inspect.unwrap(getattr(function, "__func__", function))
                    is_public = not method.startswith("_") or method == "__init__"
                    if inspect.isfunction(function) and is_public:
                        yield f"{package}.{name}.{method}", function


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_and_result_is_hinted(name):
    signature = inspect.signature(FUNCTIONS[name])
    without = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
    ]
    assert without == []
    assert name.endswith("__init__") or signature.return_annotation is not signature.empty
