#!/usr/bin/env sabotc
﻿fn f<'a>(x: &'a str, ..) -> impl Fn() { r#"("#; b'\n'; 1e999; 'x: loop { break 'x } /* /* */ }