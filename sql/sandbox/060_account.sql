-- Create the application's account.
-- kind: write
-- needs: CREATE USER
-- locks: nothing
-- values: user, host, password
CREATE USER :user@:host IDENTIFIED BY :password
