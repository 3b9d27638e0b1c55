-- Create the application account. One that exists is an error, and is left as it is.
-- kind: write
-- needs: CREATE USER
-- locks: nothing that the shop's statements wait for; waits itself for a backup lock
-- values: user, host, password
CREATE USER :user@:host IDENTIFIED BY :password;
